// Package vcenter makes govmomi's simulator behave like a vCenter whose machines can be backed up: change tracking,
// frozen snapshots, faults, the gate of the simulated VDDK library and the control channel.
package vcenter

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
	"keepline.org/simulators/vcenter/internal/frozen"
	"keepline.org/simulators/vcenter/internal/rules"
	"keepline.org/simulators/vcenter/internal/tagging"
)

// Lab is one simulated vCenter. Locks are taken in this order: an object's lock in the simulator's registry, then a
// Machine's, then the Lab's own.
type Lab struct {
	config      *config.Config
	certificate tls.Certificate
	model       *simulator.Model
	service     *simulator.Service
	registry    *simulator.Registry
	sidecar     *sidecar
	frozen      frozen.Store
	rules       rules.Set
	address     string // host:port of the API
	home        inventory
	ready       atomic.Bool // calls are counted and spoiled from now on
	handles     handleTable
	journal     *eventJournal
	tags        *tagging.Service

	mutex     sync.Mutex
	machines  map[string]*Machine
	snapshots map[string]*Snapshot
	calls     map[string]int
	folders   []savedFolder
	freeSpace map[string]int64 // by datastore name: what a test wants to be shown
	gateLines []string         // faults for the library
	counter   int64            // highest number in any moref so far
	shutdown  func()
}

// sidecar is the managed object to which the hook redirects the calls that are answered here.
type sidecar struct {
	mo.IpPoolManager // its Self field is used by the registry; property reads need an embedded mo type
	*Lab
}

// Lock and Unlock opt out of the registry's one call at a time for this object.
func (*sidecar) Lock()   {}
func (*sidecar) Unlock() {}

// New builds the inventory, or finds it again in the lab's folder.
func New(settings *config.Config, certificate tls.Certificate) (*Lab, error) {
	model := simulator.VPX()
	model.Datacenter, model.Machine, model.Datastore = 0, 0, 0 // everything is built by infrastructure.go
	model.ServiceContent.About.ApiVersion = settings.APIVersion
	model.ServiceContent.About.Version = shortVersion(settings.APIVersion)
	if err := model.Create(); err != nil {
		return nil, err
	}
	lab := &Lab{
		config: settings, certificate: certificate, model: model, service: model.Service, registry: model.Map(),
		frozen:    frozen.Store{Folder: filepath.Join(settings.Folder, "frozen")},
		machines:  map[string]*Machine{},
		snapshots: map[string]*Snapshot{},
		calls:     map[string]int{},
		freeSpace: map[string]int64{},
	}
	lab.sidecar = &sidecar{Lab: lab}
	lab.sidecar.Self = types.ManagedObjectReference{Type: "Lab", Value: "lab"}
	lab.registry.Put(lab.sidecar)
	if err := lab.build(); err != nil {
		return nil, err
	}
	lab.ready.Store(true)
	return lab, nil
}

func (l *Lab) build() error {
	if err := l.nameInstance(); err != nil {
		return err
	}
	if err := l.buildInfrastructure(); err != nil {
		return err
	}
	if err := l.openTagging(); err != nil {
		return err
	}
	l.registry.AddHandler(l.sidecar)
	l.registry.Handler = l.hook
	if err := l.openJournal(); err != nil {
		return err
	}
	restored, err := l.restoreState()
	if err != nil || restored {
		return err
	}
	if err := l.createConfigured(); err != nil {
		return err
	}
	return l.saveAll()
}

// context is for work that no client asked for. Registry locks are shared by context: make a fresh one for each job.
func (l *Lab) context() *simulator.Context {
	return &simulator.Context{
		Context: context.Background(),
		Map:     l.registry,
		Session: &simulator.Session{
			UserSession: types.UserSession{Key: "lab", UserName: "LAB\\operator"},
			Registry:    simulator.NewRegistry(),
			Map:         l.registry,
		},
	}
}

// Close removes what the simulator keeps in the system's temporary folder.
func (l *Lab) Close() { l.model.Remove() }
