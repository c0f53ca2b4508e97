package vcenter

import (
	"log"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// RemoveSnapshotTask takes the simulator's place: it drops frozen content, unless a client still has a disk of it.
func (s *sidecar) RemoveSnapshotTask(ctx *simulator.Context, request *types.RemoveSnapshot_Task) soap.HasFault {
	object := s.registry.Get(request.This).(*simulator.VirtualMachineSnapshot)
	task := s.run(ctx, job{entity: object.Vm, name: "removeSnapshot", description: "vm.Snapshot.remove"},
		func() (types.AnyType, types.BaseMethodFault) {
			return nil, s.removeSnapshot(ctx, request.This, request.RemoveChildren)
		})
	return &methods.RemoveSnapshot_TaskBody{Res: &types.RemoveSnapshot_TaskResponse{Returnval: task}}
}

// RemoveAllSnapshotsTask removes from the newest to the oldest.
func (s *sidecar) RemoveAllSnapshotsTask(ctx *simulator.Context, request *types.RemoveAllSnapshots_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "removeAllSnapshots"},
		func() (types.AnyType, types.BaseMethodFault) {
			entity := s.registry.Get(request.This).(*simulator.VirtualMachine)
			for _, root := range treeOf(entity.Snapshot).info.RootSnapshotList {
				if fault := s.removeSnapshot(ctx, root.Snapshot, true); fault != nil {
					return nil, fault
				}
			}
			return nil, nil
		})
	return &methods.RemoveAllSnapshots_TaskBody{Res: &types.RemoveAllSnapshots_TaskResponse{Returnval: task}}
}

// removeSnapshot removes a snapshot, with those below it if asked. The machine's object is locked by ctx.
func (l *Lab) removeSnapshot(ctx *simulator.Context, ref types.ManagedObjectReference, children bool) types.BaseMethodFault {
	object, ok := l.registry.Get(ref).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return &types.ManagedObjectNotFound{Obj: ref}
	}
	machine, entity := l.machine(object.Vm.Value), l.registry.Get(object.Vm).(*simulator.VirtualMachine)
	doomed := []types.ManagedObjectReference{ref}
	if children {
		doomed = treeOf(entity.Snapshot).subtree(ref)
	}
	for _, one := range doomed {
		if file := l.handles.lockedFile(one.Value); file != "" {
			return &types.FileLocked{FileFault: types.FileFault{File: file}}
		}
	}
	for _, one := range doomed {
		l.dropSnapshot(ctx, machine, entity, one)
	}
	machine.mutex.Lock()
	l.stun(machine, isTrue(entity.Config.ChangeTrackingEnabled))
	machine.mutex.Unlock()
	l.refreshFreeSpaceOf(ctx, entity)
	l.save(machine)
	return nil
}

func (l *Lab) dropSnapshot(
	ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine, ref types.ManagedObjectReference,
) {
	tree := treeOf(entity.Snapshot)
	if machine.keepsDeltas() {
		ctx.Update(entity, []types.PropertyChange{{Name: "runtime.consolidationNeeded", Val: true}})
	} else {
		l.mergeDown(ctx, tree, entity, l.snapshot(ref.Value))
	}
	tree.remove(ref)
	ctx.Update(entity, tree.changes())
	l.removeSnapshotFile(entity, ref.Value)
	l.registry.Remove(ctx, ref)
	l.forgetSnapshot(machine, ref.Value)
	l.relink(ctx, machine, entity)
}

// keepsDeltas tells, once for each time it was asked for, that a removal leaves its files behind.
func (m *Machine) keepsDeltas() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.leaveConsolidation == 0 {
		return false
	}
	m.leaveConsolidation--
	return true
}

// mergeDown lets the only child of a snapshot, or the running disk, take over the snapshot's file names.
func (l *Lab) mergeDown(
	ctx *simulator.Context, tree *snapshotTree, entity *simulator.VirtualMachine, doomed *Snapshot,
) {
	node := tree.find(&doomed.Ref)
	running := tree.info.CurrentSnapshot != nil && *tree.info.CurrentSnapshot == doomed.Ref
	if node == nil || len(node.ChildSnapshotList) > 1 || running && len(node.ChildSnapshotList) == 1 {
		return // a branch: the file stays as a hidden parent
	}
	names := map[int32]string{}
	for key, disk := range doomed.Disks {
		names[key] = disk.FileName
	}
	if running {
		l.dropRunningDeltas(entity)
		l.renameRunning(ctx, entity, names)
	} else if len(node.ChildSnapshotList) == 1 {
		child := l.snapshot(node.ChildSnapshotList[0].Snapshot.Value)
		for key, name := range names {
			if disk := child.Disks[key]; disk != nil && disk.UUID == doomed.Disks[key].UUID {
				l.removeDeltaDescriptor(disk.FileName)
				disk.FileName = name
			}
		}
	}
}

func (l *Lab) forgetSnapshot(machine *Machine, moref string) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	machine.snapshots = slices.DeleteFunc(machine.snapshots, func(one *Snapshot) bool { return one.Ref.Value == moref })
	if err := l.frozen.Drop(moref); err != nil {
		log.Printf("%s: %v", moref, err)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.snapshots, moref)
}

// ConsolidateVMDisksTask merges the deltas that a removal left behind.
func (s *sidecar) ConsolidateVMDisksTask(ctx *simulator.Context, request *types.ConsolidateVMDisks_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "consolidateVMDisks", description: "VirtualMachine.consolidateDisks"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.consolidate(ctx, request.This) })
	return &methods.ConsolidateVMDisks_TaskBody{Res: &types.ConsolidateVMDisks_TaskResponse{Returnval: task}}
}

func (l *Lab) consolidate(ctx *simulator.Context, ref types.ManagedObjectReference) types.BaseMethodFault {
	machine, entity := l.machine(ref.Value), l.registry.Get(ref).(*simulator.VirtualMachine)
	if file := l.handles.lockedFileOf(ref.Value); file != "" {
		return &types.FileLocked{FileFault: types.FileFault{File: file}}
	}
	if entity.Snapshot == nil {
		names := map[int32]string{}
		for _, disk := range diskDevices(entity.Config.Hardware.Device) {
			if info, known := backingOf(disk); known {
				names[disk.Key] = info.root
			}
		}
		l.dropRunningDeltas(entity)
		l.renameRunning(ctx, entity, names)
	}
	ctx.Update(entity, []types.PropertyChange{{Name: "runtime.consolidationNeeded", Val: false}})
	l.save(machine)
	return nil
}
