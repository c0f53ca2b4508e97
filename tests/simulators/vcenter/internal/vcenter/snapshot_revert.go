package vcenter

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/frozen"
)

// RevertToSnapshotTask takes the simulator's place: it brings content, devices and change tracking back.
func (s *sidecar) RevertToSnapshotTask(ctx *simulator.Context, request *types.RevertToSnapshot_Task) soap.HasFault {
	object := s.registry.Get(request.This).(*simulator.VirtualMachineSnapshot)
	task := s.run(ctx, job{entity: object.Vm, name: "revertToSnapshot", description: "vm.Snapshot.revert"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.revert(ctx, request.This) })
	return &methods.RevertToSnapshot_TaskBody{Res: &types.RevertToSnapshot_TaskResponse{Returnval: task}}
}

// RevertToCurrentSnapshotTask does the same with the current snapshot.
func (s *sidecar) RevertToCurrentSnapshotTask(
	ctx *simulator.Context, request *types.RevertToCurrentSnapshot_Task,
) soap.HasFault {
	entity := s.registry.Get(request.This).(*simulator.VirtualMachine)
	current := treeOf(entity.Snapshot).info.CurrentSnapshot
	if current == nil {
		return &methods.RevertToCurrentSnapshot_TaskBody{Fault_: simulator.Fault("no current snapshot", &types.NotFound{})}
	}
	task := s.run(ctx, job{entity: request.This, name: "revertToCurrentSnapshot"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.revert(ctx, *current) })
	return &methods.RevertToCurrentSnapshot_TaskBody{Res: &types.RevertToCurrentSnapshot_TaskResponse{Returnval: task}}
}

// revert goes back to a snapshot. The machine's object is locked by ctx.
func (l *Lab) revert(ctx *simulator.Context, ref types.ManagedObjectReference) types.BaseMethodFault {
	snapshot := l.snapshot(ref.Value)
	if snapshot == nil {
		return &types.ManagedObjectNotFound{Obj: ref}
	}
	machine := l.machine(snapshot.Machine)
	entity := l.entity(machine)
	if file := l.handles.writtenFileOf(snapshot.Machine); file != "" {
		return &types.FileLocked{FileFault: types.FileFault{File: file}}
	}
	if err := l.revertContent(machine, snapshot); err != nil {
		return systemError(err)
	}
	l.dropRunningDeltas(entity)
	object := l.registry.Get(ref).(*simulator.VirtualMachineSnapshot)
	if err := l.revertDevices(ctx, entity, object); err != nil {
		return systemError(err)
	}
	tree := treeOf(entity.Snapshot)
	tree.info.CurrentSnapshot = &ref
	ctx.Update(entity, tree.changes())
	l.startDeltas(ctx, machine, entity, snapshot)
	l.relink(ctx, machine, entity)
	if node := tree.find(&ref); node != nil && node.State != entity.Runtime.PowerState {
		l.showPower(ctx, entity, node.State)
	}
	l.revertTracking(machine, snapshot, isTrue(entity.Config.ChangeTrackingEnabled))
	l.postReverted(ctx, entity, snapshot)
	l.save(machine)
	return nil
}

func (l *Lab) revertContent(machine *Machine, snapshot *Snapshot) error {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for _, disk := range snapshot.Disks {
		if err := revertDisk(machine, disk); err != nil {
			return fmt.Errorf("%s: %w", disk.FileName, err)
		}
	}
	return nil
}

func revertDisk(machine *Machine, disk *FrozenDisk) error {
	writer, err := frozen.OpenWriter(disk.Flat, machine.frozenOf(disk.Flat))
	if err != nil {
		return err
	}
	defer writer.Close()
	if err := writer.Restore(&disk.Disk); err != nil {
		return err
	}
	for _, present := range machine.disks { // what an extension has added since goes
		if present.Flat == disk.Flat && present.Capacity > disk.Capacity {
			return writer.Zero(disk.Capacity, present.Capacity-disk.Capacity)
		}
	}
	return nil
}

// revertDevices brings the snapshot's devices back; independent disks stay as they are.
func (l *Lab) revertDevices(
	ctx *simulator.Context, entity *simulator.VirtualMachine, object *simulator.VirtualMachineSnapshot,
) error {
	var config types.VirtualMachineConfigInfo
	if err := copyOf(object.Config, &config); err != nil {
		return err
	}
	present := map[int32]types.BaseVirtualDevice{}
	for _, disk := range diskDevices(entity.Config.Hardware.Device) {
		if info, known := backingOf(disk); known && info.excluded() != "" {
			present[disk.Key] = disk
		}
	}
	devices := config.Hardware.Device
	for index, device := range devices {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		if info, known := backingOf(disk); known {
			*info.changeID = ""
		}
		if kept := present[disk.Key]; kept != nil {
			devices[index] = kept
		}
	}
	ctx.Update(entity, []types.PropertyChange{
		{Name: "config.hardware.device", Val: devices},
		{Name: "config.changeTrackingEnabled", Val: isTrue(config.ChangeTrackingEnabled)},
	})
	return nil
}

func (l *Lab) revertTracking(machine *Machine, snapshot *Snapshot, enabled bool) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for _, disk := range snapshot.Disks {
		machine.trackingOf(disk.UUID).Revert(disk.ChangeID)
	}
	l.stun(machine, enabled)
}
