package vcenter

import (
	"log"
	"os"
	"path"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// CreateVMTask lets the simulator create the machine, but first refuses what a real vCenter refuses.
func (s *sidecar) CreateVMTask(ctx *simulator.Context, request *types.CreateVM_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "createVM", description: "Folder.createVm", silent: true},
		func() (types.AnyType, types.BaseMethodFault) {
			ref, fault := s.createMachine(ctx, request)
			if fault != nil {
				return nil, fault
			}
			return ref, nil
		})
	return &methods.CreateVM_TaskBody{Res: &types.CreateVM_TaskResponse{Returnval: task}}
}

// createMachine creates a machine. The folder's object is locked by ctx.
func (l *Lab) createMachine(
	ctx *simulator.Context, request *types.CreateVM_Task,
) (types.ManagedObjectReference, types.BaseMethodFault) {
	none := types.ManagedObjectReference{}
	folder, ok := l.registry.Get(request.This).(*simulator.Folder)
	if !ok {
		return none, &types.ManagedObjectNotFound{Obj: request.This}
	}
	if fault := l.admitMachine(folder, request); fault != nil {
		return none, fault
	}
	if fault := l.admitDevices(request.Config.DeviceChange, nil, request.Config.Files.VmPathName); fault != nil {
		return none, fault
	}
	directory, existed := l.machineDirectory(&request.Config)
	inner := folder.CreateVMTask(ctx, request).(*methods.CreateVM_TaskBody).Res.Returnval
	result, fault := l.wait(inner)
	if fault != nil {
		if !existed && directory != "" {
			_ = os.RemoveAll(directory) // the simulator leaves it behind
		}
		return none, fault
	}
	ref := result.(types.ManagedObjectReference)
	l.finishMachine(ctx, ref, &request.Config)
	return ref, nil
}

// admitMachine refuses what would make the simulator panic or accept what vCenter does not.
func (l *Lab) admitMachine(folder *simulator.Folder, request *types.CreateVM_Task) types.BaseMethodFault {
	if existing := l.registry.FindByName(request.Config.Name, folder.ChildEntity); existing != nil {
		return &types.DuplicateName{Name: request.Config.Name, Object: existing.Reference()}
	}
	if request.Config.Files == nil {
		return &types.InvalidVmConfig{Property: "configSpec.files"}
	}
	var home object.DatastorePath
	if !home.FromString(request.Config.Files.VmPathName) {
		return &types.InvalidDatastorePath{DatastorePath: request.Config.Files.VmPathName}
	}
	if _, known := l.home.datastores[home.Datastore]; !known {
		return &types.InvalidDatastore{Name: home.Datastore}
	}
	if l.registry.Get(request.Pool) == nil {
		return invalidArgument("pool")
	}
	if request.Host != nil && l.registry.Get(*request.Host) == nil {
		return invalidArgument("host")
	}
	return nil
}

// machineDirectory is where the simulator will put the machine's files, and whether it exists already.
func (l *Lab) machineDirectory(spec *types.VirtualMachineConfigSpec) (string, bool) {
	var home object.DatastorePath
	home.FromString(spec.Files.VmPathName)
	switch {
	case home.Path == "":
		home.Path = spec.Name
	case path.Ext(home.Path) == ".vmx":
		home.Path = path.Dir(home.Path)
	}
	directory := l.localFile(home.String())
	_, err := os.Stat(directory)
	return directory, err == nil
}

// finishMachine gives a new machine what the simulator leaves out.
func (l *Lab) finishMachine(
	ctx *simulator.Context, ref types.ManagedObjectReference, spec *types.VirtualMachineConfigSpec,
) {
	machine := l.machine(ref.Value)
	entity := l.entity(machine)
	ctx.WithLock(entity, func() {
		ctx.Update(entity, []types.PropertyChange{
			{Name: "config.changeTrackingEnabled", Val: isTrue(spec.ChangeTrackingEnabled)},
			{Name: "runtime.consolidationNeeded", Val: false},
		})
		l.writeDescriptors(machine)
		l.writeConfigurationFile(entity)
		l.removeEmptyNVRAM(entity)
		machine.mutex.Lock()
		l.stun(machine, isTrue(spec.ChangeTrackingEnabled))
		machine.mutex.Unlock()
		l.refreshFreeSpaceOf(ctx, entity)
	})
	l.save(machine)
}

// DestroyTask lets the simulator delete the machine and then sweeps what it leaves.
func (s *sidecar) DestroyTask(ctx *simulator.Context, request *types.Destroy_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "destroy", description: "VirtualMachine.destroy"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.destroy(ctx, request) })
	return &methods.Destroy_TaskBody{Res: &types.Destroy_TaskResponse{Returnval: task}}
}

func (l *Lab) destroy(ctx *simulator.Context, request *types.Destroy_Task) types.BaseMethodFault {
	entity, ok := l.registry.Get(request.This).(*simulator.VirtualMachine)
	if !ok {
		return &types.ManagedObjectNotFound{Obj: request.This}
	}
	if file := l.handles.lockedFileOf(request.This.Value); file != "" {
		return &types.FileLocked{FileFault: types.FileFault{File: file}}
	}
	directory := path.Dir(l.localFile(entity.Config.Files.VmPathName))
	inner := entity.DestroyTask(ctx, request).(*methods.Destroy_TaskBody).Res.Returnval
	if _, fault := l.wait(inner); fault != nil {
		return fault
	}
	if err := os.RemoveAll(directory); err != nil {
		log.Printf("%s: %v", directory, err)
	}
	for _, datastore := range l.config.Datastores {
		l.refreshFreeSpace(ctx, datastore.Name)
	}
	return nil
}

// forget drops the records of a machine that left the inventory; its snapshots go with it.
func (l *Lab) forget(moref string) {
	machine := l.machine(moref)
	if machine == nil {
		return
	}
	machine.mutex.Lock()
	doomed := slices.Clone(machine.snapshots)
	machine.mutex.Unlock()
	for _, snapshot := range doomed {
		l.forgetSnapshot(machine, snapshot.Ref.Value)
		go l.registry.Remove(l.context(), snapshot.Ref) // not under the locks that the caller may hold
	}
	l.mutex.Lock()
	delete(l.machines, moref)
	l.mutex.Unlock()
	l.removeState(moref)
}
