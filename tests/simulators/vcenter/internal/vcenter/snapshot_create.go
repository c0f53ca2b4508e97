package vcenter

import (
	"fmt"
	"log"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/tracking"
)

type snapshotRequest struct {
	name, description string
	memory, quiesce   bool
}

// CreateSnapshotTask takes the simulator's place: it freezes the disks.
func (s *sidecar) CreateSnapshotTask(ctx *simulator.Context, request *types.CreateSnapshot_Task) soap.HasFault {
	wanted := snapshotRequest{request.Name, request.Description, request.Memory, request.Quiesce}
	task := s.startSnapshot(ctx, request.This, "createSnapshot", wanted)
	return &methods.CreateSnapshot_TaskBody{Res: &types.CreateSnapshot_TaskResponse{Returnval: task}}
}

// CreateSnapshotExTask is the same for the newer method.
func (s *sidecar) CreateSnapshotExTask(ctx *simulator.Context, request *types.CreateSnapshotEx_Task) soap.HasFault {
	wanted := snapshotRequest{request.Name, request.Description, request.Memory, request.QuiesceSpec != nil}
	task := s.startSnapshot(ctx, request.This, "createSnapshotEx", wanted)
	return &methods.CreateSnapshotEx_TaskBody{Res: &types.CreateSnapshotEx_TaskResponse{Returnval: task}}
}

func (l *Lab) startSnapshot(
	ctx *simulator.Context, ref types.ManagedObjectReference, method string, wanted snapshotRequest,
) types.ManagedObjectReference {
	return l.run(ctx, job{entity: ref, name: method, description: "VirtualMachine.createSnapshot"},
		func() (types.AnyType, types.BaseMethodFault) {
			snapshot, fault := l.takeSnapshot(ctx, ref, wanted)
			if fault != nil {
				return nil, fault
			}
			return snapshot.Ref, nil
		})
}

// takeSnapshot freezes a machine's disks. The machine's object is locked by ctx.
func (l *Lab) takeSnapshot(
	ctx *simulator.Context, ref types.ManagedObjectReference, wanted snapshotRequest,
) (*Snapshot, types.BaseMethodFault) {
	machine, entity := l.machine(ref.Value), l.registry.Get(ref).(*simulator.VirtualMachine)
	if fault := admitSnapshot(entity, wanted); fault != nil {
		return nil, fault
	}
	object := new(simulator.VirtualMachineSnapshot)
	object.Vm = ref
	if err := copyOf(*entity.Config, &object.Config); err != nil {
		return nil, systemError(err)
	}
	l.registry.Put(object)
	snapshot := &Snapshot{
		Ref: object.Self, Machine: ref.Value, Name: wanted.name, Description: wanted.description,
		Created: time.Now().UTC(), Disks: map[int32]*FrozenDisk{},
	}
	if err := l.freeze(machine, snapshot, isTrue(entity.Config.ChangeTrackingEnabled)); err != nil {
		l.registry.Remove(ctx, object.Self)
		return nil, systemError(err)
	}
	showChangeIDs(object.Config.Hardware.Device, snapshot)
	tree := treeOf(entity.Snapshot)
	tree.add(l.treeNode(machine, entity, snapshot, wanted))
	ctx.Update(entity, tree.changes())
	l.startDeltas(ctx, machine, entity, snapshot)
	l.relink(ctx, machine, entity)
	l.touchSnapshotFile(entity, snapshot)
	l.save(machine)
	return snapshot, nil
}

func admitSnapshot(entity *simulator.VirtualMachine, wanted snapshotRequest) types.BaseMethodFault {
	switch {
	case entity.Config.Template:
		return &types.NotSupported{}
	case entity.Runtime.ConnectionState != types.VirtualMachineConnectionStateConnected:
		return &types.InvalidState{}
	case wanted.name == "":
		return &types.InvalidName{}
	case wanted.memory && entity.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn && hasIndependent(entity):
		return &types.MemorySnapshotOnIndependentDisk{}
	default:
		return nil
	}
}

func hasIndependent(entity *simulator.VirtualMachine) bool {
	for _, disk := range diskDevices(entity.Config.Hardware.Device) {
		if info, known := backingOf(disk); known && info.excluded() == "independent" {
			return true
		}
	}
	return false
}

// freeze is one moment for all disks: no guest write comes between them.
func (l *Lab) freeze(machine *Machine, snapshot *Snapshot, tracked bool) error {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for _, disk := range machine.disks {
		if disk.Excluded != "" {
			continue
		}
		files, err := l.frozen.Freeze(snapshot.Ref.Value, disk.Key, disk.Flat, disk.Capacity)
		if err != nil {
			if cleanup := l.frozen.Drop(snapshot.Ref.Value); cleanup != nil {
				log.Printf("%s: %v", snapshot.Ref.Value, cleanup)
			}
			return fmt.Errorf("freeze %s: %w", disk.Label, err)
		}
		identifier := tracking.ChangeID{}
		if tracked {
			identifier = machine.trackingOf(disk.UUID).TakeSnapshot()
		}
		snapshot.Disks[disk.Key] = &FrozenDisk{
			Disk: *files, ChangeID: identifier, FileName: disk.FileName, Descriptor: disk.Descriptor, UUID: disk.UUID,
			Datastore: disk.Datastore, Adapter: disk.Adapter, SectorSize: disk.SectorSize,
		}
	}
	l.stun(machine, tracked) // before the snapshot counts: tracking that starts with it is not late
	machine.snapshots = append(machine.snapshots, snapshot)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.snapshots[snapshot.Ref.Value] = snapshot
	return nil
}

// showChangeIDs writes the change IDs into the snapshot's configuration, the only place where they are reliable.
func showChangeIDs(devices []types.BaseVirtualDevice, snapshot *Snapshot) {
	for _, device := range diskDevices(devices) {
		info, known := backingOf(device)
		if !known {
			continue
		}
		*info.changeID = ""
		if disk := snapshot.Disks[device.Key]; disk != nil {
			*info.changeID = disk.ChangeID.String()
		}
	}
}

func (l *Lab) treeNode(
	machine *Machine, entity *simulator.VirtualMachine, snapshot *Snapshot, wanted snapshotRequest,
) types.VirtualMachineSnapshotTree {
	running := entity.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	state := types.VirtualMachinePowerStatePoweredOff
	if wanted.memory && running {
		state = entity.Runtime.PowerState
	}
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	machine.nextSnapshotID++
	return types.VirtualMachineSnapshotTree{
		Snapshot: snapshot.Ref, Vm: machine.Ref, Name: wanted.name, Description: wanted.description,
		Id: machine.nextSnapshotID, CreateTime: snapshot.Created, State: state,
		Quiesced: wanted.quiesce && running && machine.tools == "running", ReplaySupported: types.NewBool(false),
	}
}

func isTrue(flag *bool) bool { return flag != nil && *flag }
