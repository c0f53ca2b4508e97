package vcenter

import (
	"os"
	"path"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// admitDevices checks and completes the device changes of a specification before the simulator sees them: keys as
// vSphere gives them, a UUID for each new disk, folders that exist, space for thick disks.
func (l *Lab) admitDevices(
	changes []types.BaseVirtualDeviceConfigSpec, present object.VirtualDeviceList, home string,
) types.BaseMethodFault {
	needed := map[string]int64{}
	for index, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		if spec.Device == nil {
			return &types.InvalidDeviceSpec{DeviceIndex: int32(index)}
		}
		if fault := l.admitNetwork(spec, index); fault != nil {
			return fault
		}
		if disk, ok := spec.Device.(*types.VirtualDisk); ok && spec.Operation == types.VirtualDeviceConfigSpecOperationAdd {
			if fault := l.admitDisk(spec, disk, home, needed); fault != nil {
				return fault
			}
		}
	}
	giveKeys(changes, present)
	for datastore, bytes := range needed {
		if free := l.freeBytes(datastore); bytes > free {
			return &types.NoDiskSpace{
				FileFault: types.FileFault{File: "[" + datastore + "]"}, Datastore: datastore,
			}
		}
	}
	return nil
}

func (l *Lab) admitDisk(
	spec *types.VirtualDeviceConfigSpec, disk *types.VirtualDisk, home string, needed map[string]int64,
) types.BaseMethodFault {
	info, known := backingOf(disk)
	if !known {
		return nil // the simulator's own answer
	}
	var file object.DatastorePath
	if !file.FromString(info.file.FileName) || file.Datastore == "" {
		file.FromString(home)
		file.Path = ""
	}
	if _, exists := l.home.datastores[file.Datastore]; !exists {
		return &types.InvalidDatastore{Name: file.Datastore}
	}
	if *info.mode == "" {
		*info.mode = string(types.VirtualDiskModePersistent)
	}
	if spec.FileOperation == "" {
		if *info.uuid == "" {
			*info.uuid = readDescriptorUUID(l.localFile(info.file.FileName))
		}
		return nil
	}
	if *info.uuid == "" {
		*info.uuid = newDiskUUID()
	}
	if file.Path != "" {
		if err := os.MkdirAll(path.Dir(l.localFile(file.String())), 0o700); err != nil {
			return &types.CannotCreateFile{FileFault: types.FileFault{File: file.String()}}
		}
	}
	if flat, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); !ok || !isTrue(flat.ThinProvisioned) {
		needed[file.Datastore] += capacityOf(disk)
	}
	return nil
}

// admitNetwork refuses a card on a network that does not exist: the simulator would panic.
func (l *Lab) admitNetwork(spec *types.VirtualDeviceConfigSpec, index int) types.BaseMethodFault {
	card, ok := spec.Device.(types.BaseVirtualEthernetCard)
	if !ok || spec.Operation == types.VirtualDeviceConfigSpecOperationRemove {
		return nil
	}
	missing := &types.InvalidDeviceBacking{InvalidDeviceSpec: types.InvalidDeviceSpec{
		InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device.backing"}, DeviceIndex: int32(index),
	}}
	switch info := card.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		datacenter := l.registry.Get(l.home.datacenter.Reference()).(*simulator.Datacenter)
		if l.registry.FindByName(info.DeviceName, datacenter.Network) == nil {
			return missing
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		group := types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: info.Port.PortgroupKey}
		if l.registry.Get(group) == nil {
			return missing
		}
	}
	return nil
}

// giveKeys replaces the temporary keys (zero or less) of new controllers and disks as vSphere does: a disk's key is a
// function of its place.
func giveKeys(changes []types.BaseVirtualDeviceConfigSpec, present object.VirtualDeviceList) {
	devices := slices.Clone(present)
	given := map[int32]int32{}
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		device := spec.Device.GetVirtualDevice()
		controller, ok := spec.Device.(types.BaseVirtualController)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		if first, known := firstControllerKey(spec.Device); known && device.Key <= 0 {
			key := first + controller.GetVirtualController().BusNumber
			if devices.FindByKey(key) == nil {
				given[device.Key] = key
				device.Key = key
			}
		}
		devices = append(devices, spec.Device)
	}
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		device := spec.Device.GetVirtualDevice()
		if key, renamed := given[device.ControllerKey]; renamed {
			device.ControllerKey = key
		}
		disk, ok := spec.Device.(*types.VirtualDisk)
		if ok && spec.Operation == types.VirtualDeviceConfigSpecOperationAdd && device.Key <= 0 && device.UnitNumber != nil {
			device.Key = diskKey(disk.ControllerKey, *device.UnitNumber, device.Key)
		}
	}
}

func firstControllerKey(device types.BaseVirtualDevice) (int32, bool) {
	switch device.(type) {
	case types.BaseVirtualSCSIController:
		return 1000, true
	case *types.VirtualIDEController:
		return 200, true
	case types.BaseVirtualSATAController:
		return 15000, true
	case *types.VirtualNVMEController:
		return 31000, true
	default:
		return 0, false
	}
}

// diskKey needs only the controller's key: a machine being created already has the controllers that its specification
// does not name.
func diskKey(controller, unit, otherwise int32) int32 {
	switch {
	case controller >= 1000 && controller < 1004:
		return 2000 + (controller-1000)*16 + unit
	case controller >= 200 && controller < 202:
		return 3000 + (controller-200)*2 + unit
	case controller >= 15000 && controller < 15004:
		return 16000 + (controller-15000)*30 + unit
	case controller >= 31000 && controller < 31004:
		return 32000 + (controller-31000)*15 + unit
	default:
		return otherwise
	}
}
