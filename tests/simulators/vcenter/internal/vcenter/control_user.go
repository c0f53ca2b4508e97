package vcenter

import (
	"errors"
	"fmt"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// What another administrator does to a machine behind a backup product's back.

func faultError(fault types.BaseMethodFault) error {
	if fault == nil {
		return nil
	}
	return fmt.Errorf("%T", fault)
}

// asUser runs work with the machine's object locked.
func (l *Lab) asUser(
	name string, work func(*simulator.Context, *Machine, *simulator.VirtualMachine) types.BaseMethodFault,
) error {
	machine, err := l.named(name)
	if err != nil {
		return err
	}
	var fault types.BaseMethodFault
	l.onEntity(machine, func(ctx *simulator.Context, entity *simulator.VirtualMachine) {
		fault = work(ctx, machine, entity)
	})
	return faultError(fault)
}

type snapshotCreateRequest struct {
	Machine     string `json:"machine"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Memory      bool   `json:"memory"`
	Quiesce     bool   `json:"quiesce"`
}

func (l *Lab) userSnapshot(request *snapshotCreateRequest) (any, error) {
	if request.Name == "" {
		request.Name = "before the upgrade"
	}
	moref := ""
	err := l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, _ *simulator.VirtualMachine) types.BaseMethodFault {
		l.postTask(ctx, machine, "CreateSnapshot_Task", "VirtualMachine.createSnapshot")
		snapshot, fault := l.takeSnapshot(ctx, machine.Ref,
			snapshotRequest{request.Name, request.Description, request.Memory, request.Quiesce})
		if fault == nil {
			moref = snapshot.Ref.Value
		}
		return fault
	})
	return map[string]string{"snapshot": moref}, err
}

type snapshotNameRequest struct {
	Machine  string `json:"machine"`
	Snapshot string `json:"snapshot"` // moref or name; empty: the newest
	Children bool   `json:"children"`
	PowerOn  bool   `json:"power_on"`
}

// find resolves the snapshot that is meant.
func (r *snapshotNameRequest) find(machine *Machine) (*Snapshot, error) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for index := len(machine.snapshots) - 1; index >= 0; index-- {
		snapshot := machine.snapshots[index]
		if r.Snapshot == "" || snapshot.Ref.Value == r.Snapshot || snapshot.Name == r.Snapshot {
			return snapshot, nil
		}
	}
	return nil, fmt.Errorf("machine %s has no snapshot %q", machine.name, r.Snapshot)
}

func (l *Lab) userRemoveSnapshot(request *snapshotNameRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	snapshot, err := request.find(machine)
	if err != nil {
		return nil, err
	}
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, _ *simulator.VirtualMachine) types.BaseMethodFault {
		l.postTask(ctx, machine, "RemoveSnapshot_Task", "vm.Snapshot.remove")
		return l.removeSnapshot(ctx, snapshot.Ref, request.Children)
	})
}

func (l *Lab) userRevert(request *snapshotNameRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	snapshot, err := request.find(machine)
	if err != nil {
		return nil, err
	}
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		l.postTask(ctx, machine, "RevertToSnapshot_Task", "vm.Snapshot.revert")
		if fault := l.revert(ctx, snapshot.Ref); fault != nil {
			return fault
		}
		if request.PowerOn && entity.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			return l.powerOn(ctx, &types.PowerOnVM_Task{This: machine.Ref})
		}
		return nil
	})
}

// postTask posts the event of a task that is not run as one.
func (l *Lab) postTask(ctx *simulator.Context, machine *Machine, name, description string) {
	info := types.TaskInfo{Name: name, DescriptionId: description, Entity: &machine.Ref, EntityName: machine.name}
	info.Reason = &types.TaskReasonUser{UserName: ctx.Session.UserName}
	info.State = types.TaskInfoStateRunning
	info.Key = "task-of-a-user" // it need not exist, but a reference without a type cannot be read
	info.Task = types.ManagedObjectReference{Type: "Task", Value: info.Key}
	info.QueueTime = time.Now()
	l.post(ctx, &types.TaskEvent{Info: info}, machine.Ref, "Task: "+name)
}

type powerRequest struct {
	Machine string `json:"machine"`
	State   string `json:"state"` // on | off | reset
}

func (l *Lab) userPower(request *powerRequest) (any, error) {
	on := func(ctx *simulator.Context, machine *Machine, _ *simulator.VirtualMachine) types.BaseMethodFault {
		return l.powerOn(ctx, &types.PowerOnVM_Task{This: machine.Ref})
	}
	off := func(ctx *simulator.Context, machine *Machine, _ *simulator.VirtualMachine) types.BaseMethodFault {
		return l.powerOff(ctx, &types.PowerOffVM_Task{This: machine.Ref})
	}
	switch request.State {
	case "on":
		return done{}, l.asUser(request.Machine, on)
	case "off":
		return done{}, l.asUser(request.Machine, off)
	case "reset":
		return done{}, errors.Join(l.asUser(request.Machine, off), l.asUser(request.Machine, on))
	default:
		return nil, fmt.Errorf("state %q is none of on, off, reset", request.State)
	}
}

type holdRequest struct {
	Machine  string `json:"machine"`
	Identity string `json:"identity"`
}

func (r *holdRequest) identity() string {
	if r.Identity == "" {
		return "another product"
	}
	return r.Identity
}

func (l *Lab) otherHold(request *holdRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	return done{}, l.hold(machine, request.identity())
}

// otherRelease ends a hold, whoever has it, unless an identity is named.
func (l *Lab) otherRelease(request *holdRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	if request.Identity != "" {
		return done{}, l.release(machine, request.Identity)
	}
	machine.mutex.Lock()
	machine.hold = nil
	machine.mutex.Unlock()
	l.showHold(machine)
	return done{}, nil
}

type consolidationRequest struct {
	Machine   string `json:"machine"`
	Needed    *bool  `json:"needed"`
	OnRemoval int    `json:"on_removal"` // that many snapshot removals to come leave it needed
}

func (l *Lab) setConsolidation(request *consolidationRequest) (any, error) {
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		machine.mutex.Lock()
		machine.leaveConsolidation = request.OnRemoval
		machine.mutex.Unlock()
		if request.Needed != nil {
			ctx.Update(entity, []types.PropertyChange{{Name: "runtime.consolidationNeeded", Val: *request.Needed}})
		}
		l.save(machine)
		return nil
	})
}

type connectionRequest struct {
	Machine string `json:"machine"`
	State   string `json:"state"`
}

func (l *Lab) setConnection(request *connectionRequest) (any, error) {
	state := types.VirtualMachineConnectionState(request.State)
	valid := false
	for _, known := range state.Values() {
		valid = valid || known == state
	}
	if !valid {
		return nil, fmt.Errorf("state %q is none of %v", request.State, state.Values())
	}
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		ctx.Update(entity, []types.PropertyChange{
			{Name: "runtime.connectionState", Val: state}, {Name: "summary.runtime.connectionState", Val: state},
		})
		l.save(machine)
		return nil
	})
}
