package vcenter

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/sparse"
)

type extendRequest struct {
	which
	Capacity int64 `json:"capacity"` // bytes, in all
}

// extendDisk enlarges a disk as an administrator does; refused while it has snapshots.
func (l *Lab) extendDisk(request *extendRequest) (any, error) {
	disk, err := l.diskNow(request.which)
	if err != nil {
		return nil, err
	}
	if request.Capacity <= disk.Capacity || request.Capacity%1024 != 0 {
		return nil, fmt.Errorf("capacity %d is not a larger multiple of 1024 than %d", request.Capacity, disk.Capacity)
	}
	return done{}, l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		for _, device := range diskDevices(entity.Config.Hardware.Device) {
			if device.Key == disk.Key {
				changed := *device
				changed.CapacityInBytes, changed.CapacityInKB = request.Capacity, request.Capacity/1024
				return l.reconfigureDevice(ctx, machine, types.VirtualDeviceConfigSpecOperationEdit, "", &changed)
			}
		}
		return &types.NotFound{}
	})
}

// reconfigureDevice changes one device the way a client would.
func (l *Lab) reconfigureDevice(
	ctx *simulator.Context, machine *Machine, operation types.VirtualDeviceConfigSpecOperation,
	file types.VirtualDeviceConfigSpecFileOperation, device types.BaseVirtualDevice,
) types.BaseMethodFault {
	change := &types.VirtualDeviceConfigSpec{Operation: operation, FileOperation: file, Device: device}
	spec := types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{change}}
	return l.reconfigure(ctx, &types.ReconfigVM_Task{This: machine.Ref, Spec: spec})
}

// diskNow copies what is known of a disk at this moment.
func (l *Lab) diskNow(name which) (Disk, error) {
	machine, err := l.named(name.Machine)
	if err != nil {
		return Disk{}, err
	}
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	disk, err := machine.disk(name.Disk)
	if err != nil {
		return Disk{}, err
	}
	return *disk, nil
}

type swapRequest struct {
	which
	Size  int64  `json:"size"` // of the new disk; default: as the old one or the image
	Image string `json:"image"`
}

// swapDisk takes a disk away and puts a new one with the same key in its place.
func (l *Lab) swapDisk(request *swapRequest) (any, error) {
	old, err := l.diskNow(request.which)
	if err != nil {
		return nil, err
	}
	err = l.asUser(request.Machine, func(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) types.BaseMethodFault {
		return l.swap(ctx, machine, entity, old, request.Size)
	})
	if err != nil {
		return nil, err
	}
	fresh, err := l.diskNow(which{request.Machine, json.RawMessage(fmt.Sprint(old.Key))})
	if err == nil && request.Image != "" {
		err = errors.Join(sparse.Clone(fresh.Flat, request.Image), growFlat(fresh.Flat, fresh.Capacity))
	}
	return map[string]any{"key": fresh.Key, "uuid": fresh.UUID, "file": fresh.FileName, "flat": fresh.Flat}, err
}

func (l *Lab) swap(
	ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine, old Disk, size int64,
) types.BaseMethodFault {
	var fresh *types.VirtualDisk
	for _, device := range diskDevices(entity.Config.Hardware.Device) {
		if device.Key == old.Key {
			copied := *device
			fresh = &copied
			if fault := l.reconfigureDevice(ctx, machine, types.VirtualDeviceConfigSpecOperationRemove, "", device); fault != nil {
				return fault
			}
		}
	}
	if size > 0 {
		fresh.CapacityInBytes, fresh.CapacityInKB = size, size/1024
	}
	thin := true
	name := deltaSuffix.ReplaceAllString(old.FileName, fmt.Sprintf("-swapped-%s.vmdk", newDiskUUID()[24:]))
	fresh.Backing = &types.VirtualDiskFlatVer2BackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: name},
		DiskMode:                     string(types.VirtualDiskModePersistent), ThinProvisioned: &thin,
	}
	return l.reconfigureDevice(ctx, machine, types.VirtualDeviceConfigSpecOperationAdd,
		types.VirtualDeviceConfigSpecFileOperationCreate, fresh)
}

type freeSpaceRequest struct {
	Datastore string `json:"datastore"`
	Bytes     *int64 `json:"bytes"` // null: what there really is
}

func (l *Lab) forceFreeSpace(request *freeSpaceRequest) (any, error) {
	if _, known := l.datastoreSettings(request.Datastore); !known {
		return nil, fmt.Errorf("no datastore %q", request.Datastore)
	}
	l.mutex.Lock()
	if request.Bytes == nil {
		delete(l.freeSpace, request.Datastore)
	} else {
		l.freeSpace[request.Datastore] = *request.Bytes
	}
	l.mutex.Unlock()
	l.refreshFreeSpace(l.context(), request.Datastore)
	return map[string]int64{"free": l.freeBytes(request.Datastore)}, nil
}
