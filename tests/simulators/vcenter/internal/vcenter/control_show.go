package vcenter

import (
	"maps"

	"github.com/vmware/govmomi/simulator"

	"keepline.org/simulators/vcenter/internal/tracking"
)

type shownDisk struct {
	Key        int32  `json:"key"`
	Label      string `json:"label"`
	File       string `json:"file"` // "[datastore] path"
	Flat       string `json:"flat"`
	UUID       string `json:"uuid"`
	Capacity   int64  `json:"capacity"`
	SectorSize int    `json:"sector_size"`
	Excluded   string `json:"excluded"`
	ChangeID   string `json:"change_id"`
	Tracking   bool   `json:"tracking"`
}

type shownMachine struct {
	Name                string      `json:"name"`
	Moref               string      `json:"moref"`
	Host                string      `json:"host"`
	InstanceUUID        string      `json:"instance_uuid"`
	BIOSUUID            string      `json:"bios_uuid"`
	Power               string      `json:"power"`
	ChangeTracking      bool        `json:"change_tracking"`
	ConsolidationNeeded bool        `json:"consolidation_needed"`
	ConnectionState     string      `json:"connection_state"`
	Directory           string      `json:"vmx"`
	Disks               []shownDisk `json:"disks"`
}

// listMachines tells where everything of each machine lies.
func (l *Lab) listMachines(*struct{}) (any, error) {
	shown := []shownMachine{}
	for _, machine := range l.allMachines() {
		l.onEntity(machine, func(_ *simulator.Context, entity *simulator.VirtualMachine) {
			shown = append(shown, showMachine(machine, entity))
		})
	}
	return map[string]any{"machines": shown}, nil
}

func showMachine(machine *Machine, entity *simulator.VirtualMachine) shownMachine {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	power := "off"
	if machine.running {
		power = "on"
	}
	shown := shownMachine{
		Name: machine.name, Moref: machine.Ref.Value, Host: machine.host, Power: power,
		InstanceUUID: entity.Config.InstanceUuid, BIOSUUID: entity.Config.Uuid,
		ChangeTracking:      isTrue(entity.Config.ChangeTrackingEnabled),
		ConsolidationNeeded: entity.Runtime.ConsolidationNeeded,
		ConnectionState:     string(entity.Runtime.ConnectionState),
		Directory:           entity.Config.Files.VmPathName, Disks: []shownDisk{},
	}
	for _, disk := range machine.disks {
		state := machine.trackingOf(disk.UUID)
		shown.Disks = append(shown.Disks, shownDisk{
			disk.Key, disk.Label, disk.FileName, disk.Flat, disk.UUID, disk.Capacity, disk.SectorSize, disk.Excluded,
			state.String(), state.Active(),
		})
	}
	return shown
}

type shownSnapshot struct {
	Machine     string            `json:"machine"` // name
	Moref       string            `json:"moref"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Created     string            `json:"created"`
	ChangeIDs   map[int32]string  `json:"change_ids"`
	Files       map[int32]string  `json:"files"`
	Frozen      map[int32]cowPair `json:"frozen"`
}

type cowPair struct {
	Flat string `json:"flat"`
	Cow  string `json:"cow"`
	Map  string `json:"map"`
}

type shownHold struct {
	Machine string `json:"machine"`
	Hold
}

// showState tells what a test wants to find clean after a run.
func (l *Lab) showState(*struct{}) (any, error) {
	snapshots, holds := []shownSnapshot{}, []shownHold{}
	for _, machine := range l.allMachines() {
		machine.mutex.Lock()
		for _, snapshot := range machine.snapshots {
			snapshots = append(snapshots, showSnapshot(machine.name, snapshot))
		}
		if machine.hold != nil {
			holds = append(holds, shownHold{machine.name, *machine.hold})
		}
		machine.mutex.Unlock()
	}
	open, attached := []Handle{}, []Handle{}
	for _, handle := range l.handles.list() {
		if handle.Mode == "hotadd" {
			attached = append(attached, handle)
		}
		if !handle.Dead {
			open = append(open, handle)
		}
	}
	sessions := len(l.sessions())
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return map[string]any{
		"snapshots": snapshots, "holds": holds, "open_handles": open, "attached": attached,
		"sessions": sessions, "rest_sessions": l.tags.Sessions.Count(), "calls": maps.Clone(l.calls),
	}, nil
}

func showSnapshot(machine string, snapshot *Snapshot) shownSnapshot {
	shown := shownSnapshot{
		Machine: machine, Moref: snapshot.Ref.Value, Name: snapshot.Name, Description: snapshot.Description,
		Created:   snapshot.Created.Format("2006-01-02T15:04:05.000Z07:00"),
		ChangeIDs: map[int32]string{}, Files: map[int32]string{}, Frozen: map[int32]cowPair{},
	}
	for key, disk := range snapshot.Disks {
		shown.ChangeIDs[key], shown.Files[key] = disk.ChangeID.String(), disk.FileName
		shown.Frozen[key] = cowPair{disk.Flat, disk.Cow, disk.Map}
	}
	return shown
}

type trackingRequest struct {
	which
	Count int `json:"count"`
}

// resetTracking begins a new epoch, as after a host's crash.
func (l *Lab) resetTracking(request *trackingRequest) (any, error) {
	return l.withTracking(request.which, func(state *tracking.Disk) {
		if state.Active() {
			state.Start(state.Late)
		}
	})
}

// corruptTracking lets the next queries fail as with a damaged tracking file.
func (l *Lab) corruptTracking(request *trackingRequest) (any, error) {
	return l.withTracking(request.which, func(state *tracking.Disk) { state.Corrupt = max(request.Count, 1) })
}

type lieRequest struct {
	which
	DropEvery   int        `json:"drop_every"`
	DropExtents [][2]int64 `json:"drop_extents"`
	Count       int        `json:"count"`
}

// startLie makes the next queries leave areas out; without anything to drop it ends a lie.
func (l *Lab) startLie(request *lieRequest) (any, error) {
	lie := &tracking.Lie{DropEvery: request.DropEvery, Queries: request.Count}
	for _, extent := range request.DropExtents {
		lie.DropExtents = append(lie.DropExtents, tracking.Extent{Offset: extent[0], Length: extent[1]})
	}
	if lie.DropEvery == 0 && len(lie.DropExtents) == 0 {
		lie = nil
	}
	return l.withTracking(request.which, func(state *tracking.Disk) { state.Lie = lie })
}

func (l *Lab) withTracking(name which, change func(*tracking.Disk)) (any, error) {
	machine, err := l.named(name.Machine)
	if err != nil {
		return nil, err
	}
	machine.mutex.Lock()
	disk, err := machine.disk(name.Disk)
	if err == nil {
		change(machine.trackingOf(disk.UUID))
	}
	machine.mutex.Unlock()
	if err != nil {
		return nil, err
	}
	return done{}, l.saveRecord(machine)
}
