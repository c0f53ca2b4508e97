package vcenter

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ReconfigVMTask lets the simulator reconfigure, within what snapshots and change tracking allow.
func (s *sidecar) ReconfigVMTask(ctx *simulator.Context, request *types.ReconfigVM_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "reconfigVM", description: "VirtualMachine.reconfigure", silent: true},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.reconfigure(ctx, request) })
	return &methods.ReconfigVM_TaskBody{Res: &types.ReconfigVM_TaskResponse{Returnval: task}}
}

// reconfigure changes a machine. Its object is locked by ctx.
func (l *Lab) reconfigure(ctx *simulator.Context, request *types.ReconfigVM_Task) types.BaseMethodFault {
	machine, entity := l.machine(request.This.Value), l.registry.Get(request.This).(*simulator.VirtualMachine)
	spec := &request.Spec
	if isTrue(spec.ChangeTrackingEnabled) && !entity.Capability.ChangeTrackingSupported {
		return &types.NotSupported{}
	}
	if fault := l.admitDevices(spec.DeviceChange, entity.Config.Hardware.Device, entity.Config.Files.VmPathName); fault != nil {
		return fault
	}
	if fault := guardChains(machine, entity, spec); fault != nil {
		return fault
	}
	inner := entity.ReconfigVMTask(ctx, request).(*methods.ReconfigVM_TaskBody).Res.Returnval
	if _, fault := l.wait(inner); fault != nil {
		return fault
	}
	l.writeDescriptors(machine)
	l.writeConfigurationFile(entity)
	if entity.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn { // a running machine waits for a stun
		machine.mutex.Lock()
		l.stun(machine, isTrue(entity.Config.ChangeTrackingEnabled))
		machine.mutex.Unlock()
	}
	l.refreshFreeSpaceOf(ctx, entity)
	l.save(machine)
	return nil
}

// guardChains refuses to extend a disk that has snapshots, and keeps the files of a removed disk that they need.
func guardChains(
	machine *Machine, entity *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec,
) types.BaseMethodFault {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for index, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		disk, ok := device.Device.(*types.VirtualDisk)
		if !ok || device.Operation == types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		present := machine.diskByKey(disk.Key)
		if present == nil || len(machine.frozenOf(present.Flat)) == 0 {
			continue
		}
		if device.Operation == types.VirtualDeviceConfigSpecOperationRemove {
			device.FileOperation = ""
			continue
		}
		if capacity := capacityOf(disk); capacity != 0 && capacity != present.Capacity {
			return &types.InvalidDeviceOperation{
				InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)},
			}
		}
	}
	return nil
}
