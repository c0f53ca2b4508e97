package vcenter

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/rules"
)

func (l *Lab) addFault(rule *rules.Rule) (any, error) {
	if rule.Machine != "" {
		machine, err := l.named(rule.Machine)
		if err != nil {
			return nil, err
		}
		rule.Machine = machine.Ref.Value
	}
	if _, known := types.TypeFunc()(rule.Fault); rule.Fault != "" && !known {
		return nil, fmt.Errorf("the API has no fault %q", rule.Fault)
	}
	return done{}, l.rules.Add(*rule)
}

type gateFaultRequest struct {
	Line string `json:"line"` // FUNCTION nth=5 action=…
}

func (l *Lab) addGateFault(request *gateFaultRequest) (any, error) {
	if request.Line == "" {
		return nil, errors.New("line is empty")
	}
	l.mutex.Lock()
	l.gateLines = append(l.gateLines, request.Line)
	l.mutex.Unlock()
	l.saveLab()
	return done{}, nil
}

func (l *Lab) clearFaults(*struct{}) (any, error) {
	l.rules.Clear()
	l.mutex.Lock()
	l.gateLines = nil
	l.mutex.Unlock()
	l.saveLab()
	return done{}, nil
}

func (l *Lab) endSessions(*struct{}) (any, error) {
	return map[string]int{"terminated": l.terminateSessions()}, nil
}

type eventRequest struct {
	Type    string `json:"type"` // a type of the API, or an EventEx's own name with dots
	Machine string `json:"machine"`
	Message string `json:"message"`
}

// postEvent posts an event of any type, about a machine if one is named, else about the datacenter.
func (l *Lab) postEvent(request *eventRequest) (any, error) {
	kind := cmp.Or(request.Type, "GeneralEvent")
	if request.Machine == "" {
		event, err := eventNamed(kind, l.home.datacenter.Reference(), l.config.Datacenter, request.Message)
		if err != nil {
			return nil, err
		}
		l.post(l.context(), event, types.ManagedObjectReference{}, request.Message)
		return map[string]int32{"key": event.GetEvent().Key}, nil
	}
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	event, err := eventNamed(kind, machine.Ref, machine.name, request.Message)
	if err != nil {
		return nil, err
	}
	l.onEntity(machine, func(ctx *simulator.Context, _ *simulator.VirtualMachine) { // the order in which tasks lock
		l.post(ctx, event, machine.Ref, request.Message)
	})
	return map[string]int32{"key": event.GetEvent().Key}, nil
}

func eventNamed(kind string, subject types.ManagedObjectReference, name, message string) (types.BaseEvent, error) {
	if known, ok := types.TypeFunc()(kind); ok {
		if event, ok := reflect.New(known).Interface().(types.BaseEvent); ok {
			if general, ok := event.(*types.GeneralEvent); ok {
				general.Message = message
			}
			return event, nil
		}
		return nil, fmt.Errorf("%s is no type of event", kind)
	}
	return &types.EventEx{
		EventTypeId: kind, Message: message, Severity: string(types.EventEventSeverityInfo),
		ObjectType: subject.Type, ObjectId: subject.Value, ObjectName: name,
	}, nil
}

type alarmRequest struct {
	Machine string `json:"machine"`
	Name    string `json:"name"`
	Status  string `json:"status"` // gray | green | yellow | red
}

// raiseAlarm shows an alarm as triggered on a machine and posts the change.
func (l *Lab) raiseAlarm(request *alarmRequest) (any, error) {
	status := types.ManagedEntityStatus(cmp.Or(request.Status, "red"))
	alarm := l.anyAlarm(request.Name)
	if alarm == nil {
		return nil, fmt.Errorf("no alarm %q is defined", request.Name)
	}
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		state := types.AlarmState{
			Key: alarm.Self.Value + "." + machine.Ref.Value, Entity: machine.Ref, Alarm: alarm.Self,
			OverallStatus: status, Time: time.Now(),
		}
		ctx.Update(entity, []types.PropertyChange{
			{Name: "triggeredAlarmState", Val: []types.AlarmState{state}}, {Name: "overallStatus", Val: status},
		})
		event := &types.AlarmStatusChangedEvent{From: string(types.ManagedEntityStatusGreen), To: string(status)}
		event.Alarm = types.AlarmEventArgument{
			Alarm: alarm.Self, EntityEventArgument: types.EntityEventArgument{Name: alarm.Info.Name},
		}
		event.Entity = types.ManagedEntityEventArgument{
			Entity: machine.Ref, EntityEventArgument: types.EntityEventArgument{Name: machine.name},
		}
		l.post(ctx, event, machine.Ref, fmt.Sprintf("Alarm '%s' on %s changed to %s", alarm.Info.Name, machine.name, status))
		return nil
	})
}

// anyAlarm returns the alarm with that name, or some alarm when none is named.
func (l *Lab) anyAlarm(name string) *mo.Alarm {
	for _, object := range l.registry.AllReference("Alarm") {
		if alarm, ok := object.(*simulator.Alarm); ok && (name == "" || alarm.Info.Name == name) {
			return &alarm.Alarm
		}
	}
	return nil
}

// OnShutdown sets what the operation shutdown does.
func (l *Lab) OnShutdown(work func()) { l.shutdown = work }

func (l *Lab) stop(*struct{}) (any, error) {
	time.AfterFunc(50*time.Millisecond, l.shutdown) // the answer goes out first
	return done{}, nil
}
