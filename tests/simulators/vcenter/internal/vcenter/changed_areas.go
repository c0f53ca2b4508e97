package vcenter

import (
	"fmt"
	"os"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/sparse"
	"keepline.org/simulators/vcenter/internal/tracking"
)

// QueryChangedDiskAreas is what the simulator lacks most.
func (s *sidecar) QueryChangedDiskAreas(_ *simulator.Context, request *types.QueryChangedDiskAreas) soap.HasFault {
	body := new(methods.QueryChangedDiskAreasBody)
	answer, message, fault := s.changedAreas(request)
	if fault != nil {
		body.Fault_ = simulator.Fault(message, fault)
	} else {
		body.Res = &types.QueryChangedDiskAreasResponse{Returnval: *answer}
	}
	return body
}

// asked is one query, resolved.
type asked struct {
	state    *tracking.Disk
	until    tracking.ChangeID
	capacity int64
	fileName string
	saved    *FrozenDisk // nil: the present content of a powered-off machine
	flat     string
	store    string // datastore
}

func (l *Lab) changedAreas(request *types.QueryChangedDiskAreas) (*types.DiskChangeInfo, string, types.BaseMethodFault) {
	machine := l.machine(request.This.Value)
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	query, message, fault := l.resolve(machine, request)
	if fault != nil {
		return nil, message, fault
	}
	if request.StartOffset < 0 || request.StartOffset >= query.capacity {
		return refuseArgument("startOffset")
	}
	grain := l.grainOf(query.capacity)
	changed, err := l.changedGrains(query, request.ChangeId, grain)
	if err == nil && query.state.Corrupt > 0 {
		query.state.Corrupt--
		err = fmt.Errorf("the tracking file is damaged")
	}
	if err != nil {
		file := strings.TrimSuffix(query.fileName, ".vmdk") + "-ctk.vmdk"
		return nil, "Error caused by file " + file, &types.FileFault{File: file}
	}
	lie := query.state.Lie
	if lie != nil {
		lie.Apply(changed, grain)
	}
	page := tracking.PageOf(changed, grain, query.capacity, request.StartOffset, l.config.MaxChangedAreas)
	if lie != nil && request.StartOffset+page.Length >= query.capacity {
		endLie(query.state)
	}
	answer := &types.DiskChangeInfo{StartOffset: request.StartOffset, Length: page.Length}
	for _, area := range page.Areas {
		answer.ChangedArea = append(answer.ChangedArea, types.DiskChangeExtent{Start: area.Offset, Length: area.Length})
	}
	return answer, "", nil
}

// endLie counts a whole query as told wrongly.
func endLie(state *tracking.Disk) {
	if state.Lie.Queries == 1 {
		state.Lie = nil
	} else if state.Lie.Queries > 1 {
		state.Lie.Queries--
	}
}

func refuseArgument(name string) (*types.DiskChangeInfo, string, types.BaseMethodFault) {
	return nil, "A specified parameter was not correct: " + name, invalidArgument(name)
}

// resolve finds the disk that is meant; the machine's lock is held.
func (l *Lab) resolve(machine *Machine, request *types.QueryChangedDiskAreas) (*asked, string, types.BaseMethodFault) {
	if request.Snapshot == nil {
		return l.resolvePresent(machine, request)
	}
	snapshot := l.snapshot(request.Snapshot.Value)
	if snapshot == nil || snapshot.Machine != machine.Ref.Value {
		message := "The object '" + request.Snapshot.String() + "' has already been deleted or has not been completely created"
		return nil, message, &types.ManagedObjectNotFound{Obj: *request.Snapshot}
	}
	disk := snapshot.Disks[request.DeviceKey]
	if disk == nil {
		_, message, fault := refuseArgument("deviceKey")
		return nil, message, fault
	}
	return &asked{
		machine.trackingOf(disk.UUID), disk.ChangeID, disk.Capacity, disk.FileName, disk, disk.Flat, disk.Datastore,
	}, "", nil
}

func (l *Lab) resolvePresent(machine *Machine, request *types.QueryChangedDiskAreas) (*asked, string, types.BaseMethodFault) {
	if machine.running {
		_, message, fault := refuseArgument("snapshot")
		return nil, message, fault
	}
	disk := machine.diskByKey(request.DeviceKey)
	if disk == nil || disk.Excluded != "" {
		_, message, fault := refuseArgument("deviceKey")
		return nil, message, fault
	}
	state := machine.trackingOf(disk.UUID)
	now := state.ChangeID
	now.Sequence++ // the interval that no snapshot has closed yet
	return &asked{state, now, disk.Capacity, disk.FileName, nil, disk.Flat, disk.Datastore}, "", nil
}

func (l *Lab) changedGrains(query *asked, changeID string, grain int64) (*tracking.Bitmap, error) {
	if query.until.Epoch == "" {
		return nil, tracking.ErrOtherEpoch
	}
	if changeID == "*" {
		return l.allocatedGrains(query, grain)
	}
	from, valid := tracking.ParseChangeID(changeID)
	if !valid {
		return nil, tracking.ErrOtherEpoch
	}
	return query.state.ChangedBetween(from, query.until)
}

// allocatedGrains answers "*": what is allocated, or the whole disk where the datastore cannot tell.
func (l *Lab) allocatedGrains(query *asked, grain int64) (*tracking.Bitmap, error) {
	allocated := new(tracking.Bitmap)
	mark := func(offset, length int64) error {
		allocated.Set(offset/grain, (offset+length-1)/grain+1)
		return nil
	}
	if !l.tellsAllocation(query.store) {
		return allocated, mark(0, query.capacity)
	}
	file, err := os.Open(query.flat)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := sparse.DataRanges(file, query.capacity, mark); err != nil || query.saved == nil {
		return allocated, err
	}
	return allocated, query.saved.SavedRanges(mark)
}

// tellsAllocation is false for a datastore of a kind that does not know which blocks are allocated.
func (l *Lab) tellsAllocation(datastore string) bool {
	for _, settings := range l.config.Datastores {
		if settings.Name == datastore {
			return *settings.AllocatedSupported
		}
	}
	return false
}
