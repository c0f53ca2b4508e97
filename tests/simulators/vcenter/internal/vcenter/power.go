package vcenter

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// PowerOnVMTask adds to the simulator's: a stun, the guest's Tools, and the .nvram file of a first start.
func (s *sidecar) PowerOnVMTask(ctx *simulator.Context, request *types.PowerOnVM_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "powerOnVM", description: "VirtualMachine.powerOn"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.powerOn(ctx, request) })
	return &methods.PowerOnVM_TaskBody{Res: &types.PowerOnVM_TaskResponse{Returnval: task}}
}

// PowerOffVMTask adds the end of the guest's Tools.
func (s *sidecar) PowerOffVMTask(ctx *simulator.Context, request *types.PowerOffVM_Task) soap.HasFault {
	task := s.run(ctx, job{entity: request.This, name: "powerOffVM", description: "VirtualMachine.powerOff"},
		func() (types.AnyType, types.BaseMethodFault) { return nil, s.powerOff(ctx, request) })
	return &methods.PowerOffVM_TaskBody{Res: &types.PowerOffVM_TaskResponse{Returnval: task}}
}

func (l *Lab) powerOn(ctx *simulator.Context, request *types.PowerOnVM_Task) types.BaseMethodFault {
	machine, entity := l.machine(request.This.Value), l.registry.Get(request.This).(*simulator.VirtualMachine)
	if file := l.handles.writtenFileOf(request.This.Value); file != "" {
		return &types.FileLocked{FileFault: types.FileFault{File: file}}
	}
	body := entity.PowerOnVMTask(ctx, request).(*methods.PowerOnVM_TaskBody)
	if body.Fault_ != nil {
		return body.Fault_.VimFault().(types.BaseMethodFault)
	}
	if _, fault := l.wait(body.Res.Returnval); fault != nil {
		return fault
	}
	l.afterPower(ctx, machine, entity)
	machine.mutex.Lock()
	l.stun(machine, isTrue(entity.Config.ChangeTrackingEnabled))
	machine.mutex.Unlock()
	l.writeNVRAM(entity)
	l.save(machine)
	return nil
}

func (l *Lab) powerOff(ctx *simulator.Context, request *types.PowerOffVM_Task) types.BaseMethodFault {
	machine, entity := l.machine(request.This.Value), l.registry.Get(request.This).(*simulator.VirtualMachine)
	inner := entity.PowerOffVMTask(ctx, request).(*methods.PowerOffVM_TaskBody).Res.Returnval
	if _, fault := l.wait(inner); fault != nil {
		return fault
	}
	l.afterPower(ctx, machine, entity)
	machine.mutex.Lock()
	l.stun(machine, isTrue(entity.Config.ChangeTrackingEnabled))
	machine.mutex.Unlock()
	l.save(machine)
	return nil
}

// showPower sets the power state without the simulator's checks, as a revert does.
func (l *Lab) showPower(ctx *simulator.Context, entity *simulator.VirtualMachine, state types.VirtualMachinePowerState) {
	ctx.Update(entity, []types.PropertyChange{
		{Name: "runtime.powerState", Val: state},
		{Name: "summary.runtime.powerState", Val: state},
	})
	l.afterPower(ctx, l.machine(entity.Self.Value), entity)
}

// afterPower shows what the guest's Tools report in the present power state.
func (l *Lab) afterPower(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) {
	running := entity.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn && machine.tools == "running"
	status, state := types.VirtualMachineToolsStatusToolsNotRunning, "guestToolsNotRunning"
	switch {
	case machine.tools == "not_installed":
		status = types.VirtualMachineToolsStatusToolsNotInstalled
	case running:
		status, state = types.VirtualMachineToolsStatusToolsOk, "guestToolsRunning"
	}
	ctx.Update(entity, []types.PropertyChange{
		{Name: "guest.toolsStatus", Val: status},
		{Name: "guest.toolsRunningStatus", Val: state},
		{Name: "summary.guest.toolsStatus", Val: status},
		{Name: "summary.guest.toolsRunningStatus", Val: state},
	})
}
