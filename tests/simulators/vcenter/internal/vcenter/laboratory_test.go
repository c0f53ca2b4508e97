package vcenter

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
	"keepline.org/simulators/vcenter/internal/gate"
)

const twoMachines = `{"user": "backup@lab", "password": "secret", "max_changed_areas": 3, "machines": [
	{"name": "web", "power": "on", "disks": [{"size": 16777216}, {"size": 1048576, "mode": "independent_persistent"}]},
	{"name": "db", "disks": [{"size": 8388608, "controller": "nvme"}]}]}`

// laboratory is a running Lab with a client logged in.
type laboratory struct {
	*testing.T
	*Lab
	folder  string
	context context.Context
	client  *govmomi.Client
	close   func()
}

func start(t *testing.T, configuration string) *laboratory {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "vcenter.json"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, folder)
}

// open starts a Lab over a folder, new or used.
func open(t *testing.T, folder string) *laboratory {
	t.Helper()
	settings, err := config.Read(filepath.Join(folder, "vcenter.json"))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := config.Certificate(settings.TLSFolder)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := New(settings, certificate)
	if err != nil {
		t.Fatal(err)
	}
	_, closeAPI := lab.Serve()
	l := &laboratory{T: t, Lab: lab, folder: folder, context: t.Context(), close: func() { closeAPI(); lab.Close() }}
	t.Cleanup(l.close)
	if l.client, err = l.login("backup@lab", "secret"); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *laboratory) login(user, password string) (*govmomi.Client, error) {
	address := &url.URL{Scheme: "https", Host: l.address, Path: "/sdk", User: url.UserPassword(user, password)}
	return govmomi.NewClient(l.context, address, true)
}

// do runs an operation of the control channel.
func (l *laboratory) do(operation, request string, answer any) {
	l.Helper()
	result, err := operations[operation](l.Lab, []byte(request))
	if err != nil {
		l.Fatalf("%s %s: %v", operation, request, err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		l.Fatal(err)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			l.Fatal(err)
		}
	}
}

func (l *laboratory) virtual(name string) *object.VirtualMachine {
	l.Helper()
	machine, err := l.named(name)
	if err != nil {
		l.Fatal(err)
	}
	return object.NewVirtualMachine(l.client.Client, machine.Ref)
}

func (l *laboratory) done(task *object.Task, err error) types.AnyType {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	info, err := task.WaitForResult(l.context)
	if err != nil {
		l.Fatal(err)
	}
	return info.Result
}

func (l *laboratory) enableTracking(name string) {
	l.Helper()
	enabled := true
	l.done(l.virtual(name).Reconfigure(l.context, types.VirtualMachineConfigSpec{ChangeTrackingEnabled: &enabled}))
}

func (l *laboratory) snap(name string) types.ManagedObjectReference {
	l.Helper()
	return l.done(l.virtual(name).CreateSnapshot(l.context, "backup", "", false, false)).(types.ManagedObjectReference)
}

func (l *laboratory) unsnap(ref types.ManagedObjectReference) {
	l.Helper()
	answer, err := methods.RemoveSnapshot_Task(l.context, l.client, &types.RemoveSnapshot_Task{This: ref})
	if err != nil {
		l.Fatal(err)
	}
	l.done(object.NewTask(l.client.Client, answer.Returnval), nil)
}

// disk returns a disk's backing as a snapshot's configuration shows it.
func (l *laboratory) disk(snapshot types.ManagedObjectReference, key int32) *types.VirtualDiskFlatVer2BackingInfo {
	l.Helper()
	var shown mo.VirtualMachineSnapshot
	if err := l.client.RetrieveOne(l.context, snapshot, []string{"config"}, &shown); err != nil {
		l.Fatal(err)
	}
	device := object.VirtualDeviceList(shown.Config.Hardware.Device).FindByKey(key)
	return device.(*types.VirtualDisk).Backing.(*types.VirtualDiskFlatVer2BackingInfo)
}

// changes asks page after page.
func (l *laboratory) changes(name string, snapshot *types.ManagedObjectReference, key int32, since string, capacity int64) []types.DiskChangeExtent {
	l.Helper()
	var areas []types.DiskChangeExtent
	for start := int64(0); start < capacity; {
		page, err := l.page(name, snapshot, key, start, since)
		if err != nil {
			l.Fatal(err)
		}
		areas, start = append(areas, page.ChangedArea...), start+page.Length
	}
	return areas
}

func (l *laboratory) page(name string, snapshot *types.ManagedObjectReference, key int32, start int64, since string) (*types.DiskChangeInfo, error) {
	answer, err := methods.QueryChangedDiskAreas(l.context, l.client, &types.QueryChangedDiskAreas{
		This: l.virtual(name).Reference(), Snapshot: snapshot, DeviceKey: key, StartOffset: start, ChangeId: since,
	})
	if err != nil {
		return nil, err
	}
	return &answer.Returnval, nil
}

// ask sends one request over a connection of the library.
func (l *laboratory) ask(caller *gateCaller, operation string, lines ...string) (map[string]string, error) {
	fields := map[string]string{}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, " ")
		fields[key] = value
	}
	pairs, err := caller.Answer(&gate.Request{Op: operation, Fields: fields})
	answer := map[string]string{}
	for _, pair := range pairs {
		answer[pair.Key] = pair.Value
	}
	return answer, err
}

func (l *laboratory) connected(name, snapshot string, more ...string) *gateCaller {
	l.Helper()
	caller := &gateCaller{lab: l.Lab}
	host, port, _ := strings.Cut(l.address, ":")
	lines := append([]string{
		"server " + host, "port " + port, "user backup@lab", "password secret", "thumbprint " + l.ThumbprintSHA1(),
		"vmx moref=" + l.virtual(name).Reference().Value, "snapshot " + snapshot,
	}, more...)
	if _, err := l.ask(caller, "connect", lines...); err != nil {
		l.Fatal(err)
	}
	return caller
}

func refusalCode(err error) int {
	if refusal, ok := err.(*gate.Refusal); ok {
		return refusal.Code
	}
	return 0
}

// isFault tells whether a call or a task ended in a fault of that type.
func isFault[Fault types.BaseMethodFault](err error) bool {
	if failed, ok := err.(task.Error); ok {
		_, same := failed.Fault().(Fault)
		return same
	}
	var detail types.AnyType
	if fault := faultOf(err); fault != nil {
		detail = fault
	}
	_, same := detail.(Fault)
	return same
}
