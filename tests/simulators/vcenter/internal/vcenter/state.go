package vcenter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/tracking"
)

// The state that survives a restart lies in the lab's folder state/: MOREF.api.json is a machine's object with its
// snapshots as the API shows them, MOREF.lab.json what the lab knows beyond that, lab.json the rest. Sessions, tasks and
// faults do not survive.

const (
	apiSuffix = ".api.json"
	labSuffix = ".lab.json"
)

type savedEntity struct {
	Machine   mo.VirtualMachine           `json:"machine"`
	Snapshots []mo.VirtualMachineSnapshot `json:"snapshots"`
}

type savedRecord struct {
	Tracking           map[string]*tracking.Disk `json:"tracking"`
	Snapshots          []*Snapshot               `json:"snapshots"`
	Sectors            map[int32]int             `json:"sectors"`
	Order              []int32                   `json:"order"`
	Hold               *Hold                     `json:"hold"`
	Tools              string                    `json:"tools"`
	NextSnapshotID     int32                     `json:"next_snapshot_id"`
	NextDelta          int                       `json:"next_delta"`
	LeaveConsolidation int                       `json:"leave_consolidation"`
}

type savedLab struct {
	Counter   int64         `json:"counter"`
	Folders   []savedFolder `json:"folders"`
	Attached  []Handle      `json:"attached"`
	GateLines []string      `json:"gate_lines"`
}

func (l *Lab) stateFolder() string { return filepath.Join(l.config.Folder, "state") }

func (l *Lab) stateFile(name string) string { return filepath.Join(l.stateFolder(), name) }

// save keeps a machine. Its object is locked, its own lock is not held.
func (l *Lab) save(machine *Machine) {
	logFailure("save "+machine.Ref.Value, errors.Join(l.saveEntity(machine), l.saveRecord(machine)))
	l.saveLab()
}

func (l *Lab) saveAll() error {
	for _, machine := range l.allMachines() {
		l.onEntity(machine, func(*simulator.Context, *simulator.VirtualMachine) { l.save(machine) })
	}
	l.saveLab()
	return nil
}

func (l *Lab) saveEntity(machine *Machine) error {
	entity := l.entity(machine)
	if entity == nil {
		return nil
	}
	saved := savedEntity{Machine: entity.VirtualMachine}
	saved.Machine.RecentTask = nil
	treeOf(entity.Snapshot).walk(func(node, _ *types.VirtualMachineSnapshotTree) {
		if object, ok := l.registry.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot); ok {
			saved.Snapshots = append(saved.Snapshots, object.VirtualMachineSnapshot)
		}
	})
	var text bytes.Buffer
	if err := types.NewJSONEncoder(&text).Encode(saved); err != nil {
		return err
	}
	return writeWhole(l.stateFile(machine.Ref.Value+apiSuffix), text.Bytes())
}

func (l *Lab) saveRecord(machine *Machine) error {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	text, err := json.Marshal(savedRecord{
		Tracking: machine.tracking, Snapshots: machine.snapshots, Sectors: machine.sectors, Hold: machine.hold, Order: machine.order,
		Tools: machine.tools, NextSnapshotID: machine.nextSnapshotID, NextDelta: machine.nextDelta,
		LeaveConsolidation: machine.leaveConsolidation,
	})
	if err != nil {
		return err
	}
	return writeWhole(l.stateFile(machine.Ref.Value+labSuffix), text)
}

func (l *Lab) saveLab() {
	attached := []Handle{}
	for _, handle := range l.handles.list() {
		if handle.Mode == "hotadd" {
			attached = append(attached, handle)
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	text, err := json.Marshal(savedLab{l.counter, l.folders, attached, l.gateLines})
	if err == nil {
		err = writeWhole(l.stateFile("lab.json"), text)
	}
	logFailure("save lab", err)
}

func (l *Lab) removeState(moref string) {
	for _, suffix := range []string{apiSuffix, labSuffix} {
		if err := os.Remove(l.stateFile(moref + suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			log.Printf("%s: %v", moref, err)
		}
	}
}

// writeWhole replaces a file in one step, so that a killed process leaves the old or the new one.
func writeWhole(name string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), name)
}

func readJSON(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
