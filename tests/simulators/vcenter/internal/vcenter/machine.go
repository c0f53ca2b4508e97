package vcenter

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/frozen"
	"keepline.org/simulators/vcenter/internal/tracking"
)

// Machine is what the lab knows of a virtual machine beyond the API's object.
type Machine struct {
	Ref types.ManagedObjectReference

	mutex     sync.Mutex // guest writes, snapshots and queries of one machine happen one after another
	name      string
	host      string // moref
	running   bool
	disks     []*Disk
	order     []int32 // device keys as they first came: the simulator moves an edited device to the end
	snapshots []*Snapshot
	tracking  map[string]*tracking.Disk // by the disk's backing UUID
	sectors   map[int32]int             // by device key: logical sector size, where it is not 512
	hold      *Hold
	tools     string // running | not_running | not_installed

	nextSnapshotID     int32
	nextDelta          int
	leaveConsolidation int // that many snapshot removals leave consolidation needed
}

// Disk is a present disk of a machine.
type Disk struct {
	Key        int32
	Label      string
	FileName   string // of the running disk: a -000001.vmdk while there are snapshots
	Flat       string // the file with the present content
	Descriptor string
	UUID       string
	Datastore  string // name
	Adapter    string // as in a descriptor: lsilogic, buslogic, ide, …
	Capacity   int64
	SectorSize int
	Thick      bool
	Excluded   string // why snapshots leave it out: independent, rdm_physical, multi_writer; else empty
}

// Snapshot is a snapshot of a machine with the frozen content of its disks.
type Snapshot struct {
	Ref         types.ManagedObjectReference `json:"ref"`
	Machine     string                       `json:"machine"`
	Name        string                       `json:"name"`
	Description string                       `json:"description"`
	Created     time.Time                    `json:"created"`
	Disks       map[int32]*FrozenDisk        `json:"disks"`
}

// FrozenDisk is a disk as a snapshot keeps it.
type FrozenDisk struct {
	frozen.Disk
	ChangeID   tracking.ChangeID `json:"change_id"`
	FileName   string            `json:"file_name"` // of the snapshot: what the running disk was called before
	Descriptor string            `json:"descriptor"`
	UUID       string            `json:"uuid"`
	Datastore  string            `json:"datastore"`
	Adapter    string            `json:"adapter"`
	SectorSize int               `json:"sector_size"`
}

// Hold is access held by a backup product: the machine must not be relocated.
type Hold struct {
	Identity string    `json:"identity"`
	Since    time.Time `json:"since"`
}

func (l *Lab) newMachine(ref types.ManagedObjectReference) *Machine {
	machine := &Machine{
		Ref: ref, tracking: map[string]*tracking.Disk{}, sectors: map[int32]int{}, tools: "not_installed",
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.machines[ref.Value] = machine
	return machine
}

// machine returns the machine with that moref value, or nil.
func (l *Lab) machine(moref string) *Machine {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.machines[moref]
}

// snapshot returns the snapshot with that moref value, or nil.
func (l *Lab) snapshot(moref string) *Snapshot {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.snapshots[moref]
}

// entity returns the API's object of a machine.
func (l *Lab) entity(machine *Machine) *simulator.VirtualMachine {
	entity, _ := l.registry.Get(machine.Ref).(*simulator.VirtualMachine)
	return entity
}

// trackingOf returns the tracking state of a disk; the machine's lock is held.
func (m *Machine) trackingOf(backingUUID string) *tracking.Disk {
	state := m.tracking[backingUUID]
	if state == nil {
		state = new(tracking.Disk)
		m.tracking[backingUUID] = state
	}
	return state
}

// frozenOf lists the frozen disks that share the disk file flat; the machine's lock is held.
func (m *Machine) frozenOf(flat string) []*frozen.Disk {
	var found []*frozen.Disk
	for _, snapshot := range m.snapshots {
		for _, disk := range snapshot.Disks {
			if disk.Flat == flat {
				found = append(found, &disk.Disk)
			}
		}
	}
	return found
}

func (m *Machine) diskByKey(key int32) *Disk {
	for _, disk := range m.disks {
		if disk.Key == key {
			return disk
		}
	}
	return nil
}

// allMachines lists the machines in the order of their morefs' numbers.
func (l *Lab) allMachines() []*Machine {
	l.mutex.Lock()
	machines := slices.Collect(maps.Values(l.machines))
	l.mutex.Unlock()
	slices.SortFunc(machines, func(a, b *Machine) int {
		return cmp.Or(cmp.Compare(len(a.Ref.Value), len(b.Ref.Value)), cmp.Compare(a.Ref.Value, b.Ref.Value))
	})
	return machines
}
