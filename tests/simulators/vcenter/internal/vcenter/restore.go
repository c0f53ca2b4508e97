package vcenter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/tracking"
)

// restoreState brings back the machines of an earlier process; false when there was none.
func (l *Lab) restoreState() (bool, error) {
	var saved savedLab
	err := readJSON(l.stateFile("lab.json"), &saved)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l.restoreFolders(saved.Folders)
	names, err := filepath.Glob(l.stateFile("*" + apiSuffix))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if err := l.restoreMachine(name); err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
	l.mutex.Lock()
	l.gateLines = saved.GateLines
	l.mutex.Unlock()
	l.handles.restore(saved.Attached)
	return true, l.continueNumbers(saved.Counter)
}

// continueNumbers lets the registry go on after the highest moref that was ever given: it counts from the highest
// number of the objects that it holds.
func (l *Lab) continueNumbers(highest int64) error {
	mark := &sidecar{Lab: l}
	mark.Self = types.ManagedObjectReference{Type: "Lab", Value: fmt.Sprintf("lab-%d", highest)}
	l.registry.Put(mark)
	defer l.registry.Remove(l.context(), mark.Self)
	return l.registry.AlignCounter()
}

func (l *Lab) restoreMachine(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var saved savedEntity
	if err := types.NewJSONDecoder(file).Decode(&saved); err != nil {
		return err
	}
	var record savedRecord
	if err := readJSON(strings.TrimSuffix(name, apiSuffix)+labSuffix, &record); err != nil {
		return err
	}
	machine := l.newMachine(saved.Machine.Self)
	l.restoreRecord(machine, &record)
	for index := range saved.Snapshots {
		l.registry.Put(&simulator.VirtualMachineSnapshot{VirtualMachineSnapshot: saved.Snapshots[index]})
	}
	entity := &simulator.VirtualMachine{VirtualMachine: saved.Machine, DataSets: map[string]*simulator.DataSet{}}
	if err := l.enterInventory(entity); err != nil {
		return err
	}
	devices := types.PropertyChange{Name: "config.hardware.device"}
	l.follow(machine, &entity.VirtualMachine, []types.PropertyChange{devices})
	return nil
}

func (l *Lab) restoreRecord(machine *Machine, record *savedRecord) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	machine.snapshots, machine.hold, machine.tools = record.Snapshots, record.Hold, record.Tools
	machine.nextSnapshotID, machine.nextDelta = record.NextSnapshotID, record.NextDelta
	machine.leaveConsolidation, machine.order = record.LeaveConsolidation, record.Order
	if record.Tracking != nil {
		machine.tracking = record.Tracking
	} else {
		machine.tracking = map[string]*tracking.Disk{}
	}
	if record.Sectors != nil {
		machine.sectors = record.Sectors
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, snapshot := range record.Snapshots {
		l.snapshots[snapshot.Ref.Value] = snapshot
	}
}

// enterInventory puts a machine where it was: in its folder, on its host, in its pool, on its datastores.
func (l *Lab) enterInventory(entity *simulator.VirtualMachine) error {
	folder, ok := l.registry.Get(*entity.Parent).(*simulator.Folder)
	if !ok {
		folder = l.registry.Get(l.home.machineFolder).(*simulator.Folder)
	}
	folder.ChildEntity = append(folder.ChildEntity, entity.Self)
	l.registry.PutEntity(folder, entity)
	host, ok := l.registry.Get(*entity.Runtime.Host).(*simulator.HostSystem)
	if !ok {
		return fmt.Errorf("host %s is not in the configuration any more", entity.Runtime.Host.Value)
	}
	ctx := l.context()
	l.registry.AppendReference(ctx, host, &host.Vm, entity.Self)
	if pool, ok := l.registry.Get(*entity.ResourcePool).(*simulator.ResourcePool); ok {
		l.registry.AppendReference(ctx, pool, &pool.Vm, entity.Self)
	}
	for _, ref := range entity.Datastore {
		if datastore, ok := l.registry.Get(ref).(*simulator.Datastore); ok {
			l.registry.AppendReference(ctx, datastore, &datastore.Vm, entity.Self)
		}
	}
	return nil
}
