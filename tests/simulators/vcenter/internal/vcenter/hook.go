package vcenter

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/rules"
)

// redirected are the methods that the sidecar answers, by the type of object they are called on.
var redirected = map[string][]string{
	"VirtualMachine": {
		"QueryChangedDiskAreas", "CreateSnapshot_Task", "CreateSnapshotEx_Task", "RemoveAllSnapshots_Task",
		"RevertToCurrentSnapshot_Task", "ConsolidateVMDisks_Task", "ReconfigVM_Task", "PowerOnVM_Task",
		"PowerOffVM_Task", "Destroy_Task", "CloneVM_Task",
	},
	"VirtualMachineSnapshot": {"RemoveSnapshot_Task", "RevertToSnapshot_Task"},
	"Folder":                 {"CreateVM_Task"},
	"Datastore":              {"RefreshDatastore"},
	"CustomFieldsManager":    {"SetField"},
	"EventManager":           {"LogUserEvent"},
	"PropertyCollector":      {"Fetch"},
}

// hook sees every call before the simulator does. A fault that it returns is the answer; changing the method's This
// sends the call to the sidecar, where the body's own This still names the real object.
func (l *Lab) hook(ctx *simulator.Context, method *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if fault := l.guard(ctx, method); fault != nil || ctx.Session == nil {
		return nil, fault // without a session the simulator refuses the call itself
	}
	if l.ready.Load() {
		l.count(method.Name)
		if rule := l.rules.Next(method.Name, l.machineOfObject(method.This), rules.Fault, rules.TaskFault); rule != nil {
			method.Body = &failRequest{method.This, method.Name, rule}
			method.Name, method.This = "Fail", l.sidecar.Self
			return nil, nil
		}
	}
	object := l.registry.Get(method.This)
	if object == nil && method.This.Type != "PropertyCollector" {
		return nil, nil
	}
	if entity, ok := object.(mo.Entity); ok && slices.Contains(entity.Entity().DisabledMethod, method.Name) {
		return nil, new(types.MethodDisabled)
	}
	if slices.Contains(redirected[method.This.Type], method.Name) {
		method.This = l.sidecar.Self
	}
	return nil, nil
}

func (l *Lab) count(method string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.calls[method]++
}

// machineOfObject returns the moref value of the machine that an object is or belongs to.
func (l *Lab) machineOfObject(ref types.ManagedObjectReference) string {
	if ref.Type == "VirtualMachineSnapshot" {
		if snapshot := l.snapshot(ref.Value); snapshot != nil {
			return snapshot.Machine
		}
	}
	return ref.Value
}
