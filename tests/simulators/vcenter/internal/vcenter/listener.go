package vcenter

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/tagging"
)

// The registry tells the sidecar of every object that appears, changes or goes.

var trailingNumber = regexp.MustCompile(`\d+$`)

// PutObject is called with locks of the registry held: it must take none.
func (s *sidecar) PutObject(_ *simulator.Context, object mo.Reference) {
	s.noteNumber(object.Reference().Value)
	switch added := object.(type) {
	case *simulator.Task:
		nameTask(added)
	case *simulator.Folder:
		s.noteFolder(added)
	case *simulator.VirtualMachine:
		fillEnumerations(added)
		if s.machine(added.Self.Value) == nil {
			s.newMachine(added.Self)
		}
	}
}

// methodNames are the simulator's own names of tasks that differ from the method's by more than "_Task".
var methodNames = map[string]string{
	"CloneVm": "CloneVM_Task", "CreateVm": "CreateVM_Task", "CustomizeVm": "CustomizeVM_Task",
	"PowerOff": "PowerOffVM_Task", "PowerOn": "PowerOnVM_Task", "ReconfigVm": "ReconfigVM_Task",
	"RegisterVm": "RegisterVM_Task", "RelocateVm": "RelocateVM_Task", "Reset": "ResetVM_Task",
	"Suspend": "SuspendVM_Task", "UpgradeVm": "UpgradeVM_Task",
}

// nameTask gives a new task the name of the method that started it: pyVmomi cannot read another one.
func nameTask(task *simulator.Task) {
	name := task.Info.Name
	if method, known := methodNames[name]; known {
		task.Info.Name = method
	} else if !strings.HasSuffix(name, "_Task") {
		task.Info.Name = name + "_Task"
	}
}

// UpdateObject is called with the changed object locked.
func (s *sidecar) UpdateObject(_ *simulator.Context, object mo.Reference, changes []types.PropertyChange) {
	switch changed := object.(type) {
	case *mo.VirtualMachine:
		if machine := s.machine(changed.Self.Value); machine != nil {
			s.follow(machine, changed, changes)
		}
	case *mo.EventHistoryCollector:
		if s.journal != nil {
			s.journal.note(changed.Self, changes)
		}
	}
}

// RemoveObject drops what belongs to a machine or folder that left the inventory.
func (s *sidecar) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	switch ref.Type {
	case "VirtualMachine":
		s.forget(ref.Value)
		s.tags.Store.Forget(tagging.Object{Type: ref.Type, ID: ref.Value})
	case "Folder":
		s.forgetFolder(ref)
	}
}

// noteNumber remembers the highest number given out, so that a restart does not give it out again.
func (l *Lab) noteNumber(moref string) {
	number, err := strconv.ParseInt(trailingNumber.FindString(moref), 10, 64)
	if err != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.counter = max(l.counter, number)
}

// fillEnumerations sets the enumerations without which pyVmomi cannot read a machine's runtime and summary.
func fillEnumerations(machine *simulator.VirtualMachine) {
	for _, runtime := range []*types.VirtualMachineRuntimeInfo{&machine.Runtime, &machine.Summary.Runtime} {
		runtime.FaultToleranceState = types.VirtualMachineFaultToleranceStateNotConfigured
		runtime.RecordReplayState = types.VirtualMachineRecordReplayStateInactive
	}
}
