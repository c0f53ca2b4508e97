package vcenter

import (
	"fmt"
	"os"
	"slices"
	"strconv"

	"keepline.org/simulators/vcenter/internal/frozen"
	"keepline.org/simulators/vcenter/internal/gate"
)

// opened is what the library must know of an open disk.
type opened struct {
	key         int32
	flat        string
	cow, cells  string
	descriptor  string
	uuid        string
	adapter     string
	datastore   string
	capacity    int64
	links       int
	sectorBytes int
}

func (c *gateCaller) open(fields map[string]string) ([]gate.Pair, error) {
	if c.who == nil || c.who.machine == nil {
		return nil, gate.Refuse(codeInvalid, "%v", errNotConnected)
	}
	if !c.who.thumbprintValid {
		return nil, gate.Refuse(codeFail, "the thumbprint given to connect is not this server's")
	}
	flags, err := strconv.Atoi(fields["flags"])
	if err != nil {
		return nil, gate.Refuse(codeInvalid, "flags %q", fields["flags"])
	}
	writing := flags&handleFlagReadOnly == 0 && !c.who.readOnly
	disk, err := c.lab.findOpened(c.who, fields["path"], writing)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(disk.flat); err != nil {
		return nil, gate.Refuse(codeNoFile, "%v", err)
	}
	handle := &Handle{
		Machine: c.who.machine.Ref.Value, Host: c.who.hostOf(), Key: disk.key, File: fields["path"],
		Mode: fields["mode"], Writing: writing, Client: c.who.client,
	}
	if c.who.snapshot != nil {
		handle.Snapshot = c.who.snapshot.Ref.Value
	}
	same := func(other *Handle) bool { return other.Machine == handle.Machine && other.Key == handle.Key }
	if code, text := c.lab.handles.open(handle, same, c.lab.config.NFCHandlesPerHost); code != 0 {
		return nil, gate.Refuse(code, "%s", text)
	}
	c.handles = append(c.handles, handle.ID)
	c.lab.saveLab()
	return append([]gate.Pair{{Key: "handle", Value: handle.ID}}, c.lab.openedAnswer(disk)...), nil
}

func (who *login) hostOf() string {
	who.machine.mutex.Lock()
	defer who.machine.mutex.Unlock()
	return who.machine.host
}

// findOpened resolves a path within the machine and snapshot of the connection.
func (l *Lab) findOpened(who *login, path string, writing bool) (*opened, error) {
	machine := who.machine
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	if who.snapshot != nil {
		if l.snapshot(who.snapshot.Ref.Value) == nil {
			return nil, gate.Refuse(codeNoFile, "snapshot %s was removed", who.snapshot.Ref.Value)
		}
		if writing {
			return nil, gate.Refuse(codeAccess, "a snapshot's disk cannot be written: %s", path)
		}
		return frozenOpened(machine, who.snapshot, path)
	}
	if machine.running {
		return nil, gate.Refuse(codeAccess, "the machine runs: without a snapshot %s is not accessible", path)
	}
	for _, disk := range machine.disks {
		if disk.FileName != path {
			continue
		}
		if writing && len(machine.frozenOf(disk.Flat)) > 0 {
			return nil, gate.Refuse(codeLocked, "the machine has snapshots: %s cannot be written", path)
		}
		return &opened{
			key: disk.Key, flat: disk.Flat, descriptor: disk.Descriptor, uuid: disk.UUID, adapter: disk.Adapter,
			datastore: disk.Datastore, capacity: disk.Capacity, links: 1 + len(machine.frozenOf(disk.Flat)),
			sectorBytes: disk.SectorSize,
		}, nil
	}
	return nil, gate.Refuse(codeAccess, "%s is no disk of machine %s", path, machine.Ref.Value)
}

func frozenOpened(machine *Machine, snapshot *Snapshot, path string) (*opened, error) {
	for key, disk := range snapshot.Disks {
		if disk.FileName != path {
			continue
		}
		links := slices.IndexFunc(machine.snapshots, func(one *Snapshot) bool { return one == snapshot })
		return &opened{
			key: key, flat: disk.Flat, cow: disk.Cow, cells: disk.Map, descriptor: disk.Descriptor, uuid: disk.UUID,
			adapter: disk.Adapter, datastore: disk.Datastore, capacity: disk.Capacity, links: 1 + max(links, 0),
			sectorBytes: disk.SectorSize,
		}, nil
	}
	return nil, gate.Refuse(codeAccess, "%s is no disk of snapshot %s", path, snapshot.Ref.Value)
}

func (l *Lab) openedAnswer(disk *opened) []gate.Pair {
	pair := func(key string, value any) gate.Pair { return gate.Pair{Key: key, Value: fmt.Sprint(value)} }
	return []gate.Pair{
		pair("flat", disk.flat), pair("cow", disk.cow), pair("map", disk.cells), pair("cell", frozen.CellBytes),
		pair("capacity", disk.capacity), pair("uuid", disk.uuid), pair("adapter", disk.adapter),
		pair("links", disk.links), pair("sector_size", disk.sectorBytes),
		pair("allocated", yesNo(l.tellsAllocation(disk.datastore))), pair("descriptor", disk.descriptor),
	}
}

// describe answers "info": the same as open, at the present moment.
func (c *gateCaller) describe(handle string) ([]gate.Pair, error) {
	if !slices.Contains(c.handles, handle) {
		return nil, gate.Refuse(codeInvalid, "handle %q is not open here", handle)
	}
	for _, known := range c.lab.handles.list() {
		if known.ID != handle {
			continue
		}
		disk, err := c.lab.findOpened(c.who, known.File, known.Writing)
		if err != nil {
			return nil, err
		}
		return c.lab.openedAnswer(disk), nil
	}
	return nil, gate.Refuse(codeInvalid, "handle %q is gone", handle)
}
