package vcenter

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// post puts an event into the history, about a machine if subject is one.
func (l *Lab) post(ctx *simulator.Context, event types.BaseEvent, subject types.ManagedObjectReference, text string) {
	if machine := l.machine(subject.Value); machine != nil && subject.Type == "VirtualMachine" {
		event.GetEvent().Vm = &types.VmEventArgument{
			Vm: subject, EntityEventArgument: types.EntityEventArgument{Name: machine.name},
		}
		host := types.ManagedObjectReference{Type: "HostSystem", Value: machine.host}
		if entity, ok := l.registry.Get(host).(mo.Entity); ok {
			event.GetEvent().Host = &types.HostEventArgument{
				Host: host, EntityEventArgument: types.EntityEventArgument{Name: entity.Entity().Name},
			}
		}
	}
	event.GetEvent().Datacenter = &types.DatacenterEventArgument{
		Datacenter: l.home.datacenter.Reference(), EntityEventArgument: types.EntityEventArgument{Name: l.config.Datacenter},
	}
	manager := l.registry.EventManager()
	ctx.WithLock(manager, func() {
		event.GetEvent().FullFormattedMessage = text
		manager.PostEvent(ctx, &types.PostEvent{EventToPost: event})
		if event.GetEvent().FullFormattedMessage == "" { // a template of the simulator's that knows nothing
			event.GetEvent().FullFormattedMessage = text
		}
	})
}

// postReverted posts what vCenter posts after a revert.
func (l *Lab) postReverted(ctx *simulator.Context, entity *simulator.VirtualMachine, snapshot *Snapshot) {
	text := fmt.Sprintf("The execution state of the virtual machine %s has been reverted to the state of snapshot %s",
		entity.Name, snapshot.Name)
	l.post(ctx, &types.EventEx{
		EventTypeId: "com.vmware.vc.vm.VmStateRevertedToSnapshot", Severity: string(types.EventEventSeverityInfo),
		ObjectType: entity.Self.Type, ObjectId: entity.Self.Value, ObjectName: entity.Name, Message: text,
		Arguments: []types.KeyAnyValue{{Key: "snapshotName", Value: snapshot.Name}},
	}, entity.Self, text)
}

// LogUserEvent is missing in the simulator.
func (s *sidecar) LogUserEvent(ctx *simulator.Context, request *types.LogUserEvent) soap.HasFault {
	event := &types.GeneralUserEvent{GeneralEvent: types.GeneralEvent{Message: request.Msg}}
	s.post(ctx, event, request.Entity, request.Msg)
	return &methods.LogUserEventBody{Res: new(types.LogUserEventResponse)}
}

// SetField adds what the simulator leaves out: the property change and the event.
func (s *sidecar) SetField(ctx *simulator.Context, request *types.SetField) (answer soap.HasFault) {
	object, ok := s.registry.Get(request.Entity).(mo.Entity)
	if !ok { // the simulator would panic
		return &methods.SetFieldBody{Fault_: simulator.Fault("", &types.ManagedObjectNotFound{Obj: request.Entity})}
	}
	event := &types.CustomFieldValueChangedEvent{FieldKey: request.Key, Value: request.Value}
	manager := s.registry.CustomFieldsManager()
	ctx.WithLock(manager, func() {
		answer = manager.SetField(ctx, request)
		for _, field := range manager.Field {
			if field.Key == request.Key {
				event.Name = field.Name
			}
		}
	})
	if answer.Fault() != nil {
		return answer
	}
	ctx.WithLock(object, func() {
		ctx.Update(object, []types.PropertyChange{
			{Name: "customValue", Val: object.Entity().CustomValue}, {Name: "value", Val: object.Entity().Value},
		})
	})
	event.Entity.Entity, event.Entity.Name = request.Entity, object.Entity().Name
	s.post(ctx, event, request.Entity, fmt.Sprintf("Custom field %s changed to %s", event.Name, event.Value))
	return answer
}
