package vcenter

import (
	"errors"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/sparse"
)

// CloneVMTask lets the simulator clone the machine and then copies what the disks hold, which it leaves empty.
func (s *sidecar) CloneVMTask(ctx *simulator.Context, request *types.CloneVM_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "cloneVM", description: "VirtualMachine.clone", silent: true},
		func() (types.AnyType, types.BaseMethodFault) { return s.clone(ctx, request) })
	return &methods.CloneVM_TaskBody{Res: &types.CloneVM_TaskResponse{Returnval: task}}
}

// clone copies a machine. The source's object is locked by ctx.
func (l *Lab) clone(ctx *simulator.Context, request *types.CloneVM_Task) (types.AnyType, types.BaseMethodFault) {
	source, entity := l.machine(request.This.Value), l.registry.Get(request.This).(*simulator.VirtualMachine)
	for _, disk := range diskDevices(entity.Config.Hardware.Device) {
		if _, flat := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); !flat {
			return nil, &types.NotSupported{} // the simulator would panic
		}
	}
	body := entity.CloneVMTask(ctx, request).(*methods.CloneVM_TaskBody)
	if body.Fault_ != nil {
		return nil, &types.InvalidFolder{Target: request.Folder}
	}
	result, fault := l.wait(body.Res.Returnval)
	if fault != nil {
		return nil, fault
	}
	made := l.machine(result.(types.ManagedObjectReference).Value)
	l.giveUUIDs(ctx, made)
	if err := copyDisks(made, source); err != nil {
		return nil, systemError(err)
	}
	l.finishMachine(ctx, made.Ref, &types.VirtualMachineConfigSpec{})
	return result, nil
}

// giveUUIDs replaces the UUIDs that the simulator derives from file names: they would repeat.
func (l *Lab) giveUUIDs(ctx *simulator.Context, machine *Machine) {
	entity := l.entity(machine)
	ctx.WithLock(entity, func() {
		devices := entity.Config.Hardware.Device
		for _, disk := range diskDevices(devices) {
			if info, known := backingOf(disk); known {
				*info.uuid = newDiskUUID()
			}
		}
		ctx.Update(entity, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
	})
}

func copyDisks(destination, source *Machine) error {
	source.mutex.Lock()
	defer source.mutex.Unlock()
	destination.mutex.Lock()
	defer destination.mutex.Unlock()
	var problems []error
	for index, disk := range source.disks {
		if index < len(destination.disks) {
			problems = append(problems, sparse.Clone(destination.disks[index].Flat, disk.Flat))
		}
	}
	return errors.Join(problems...)
}
