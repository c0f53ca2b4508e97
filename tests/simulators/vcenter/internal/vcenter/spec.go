package vcenter

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
)

// machineSpec turns the configuration of a machine into what CreateVM_Task takes.
func (l *Lab) machineSpec(settings *config.Machine) (*types.VirtualMachineConfigSpec, error) {
	home := l.config.Datastores[0].Name
	if len(settings.Disks) > 0 {
		home = settings.Disks[0].Datastore
	}
	spec := &types.VirtualMachineConfigSpec{
		Name: settings.Name, GuestId: settings.GuestID, Firmware: settings.Firmware, Annotation: settings.Annotation,
		InstanceUuid: settings.InstanceUUID, Uuid: settings.BIOSUUID, Version: "vmx-19",
		NumCPUs: settings.CPUs, MemoryMB: settings.MemoryMiB,
		ChangeTrackingEnabled: &settings.ChangeTracking,
		Files: &types.VirtualMachineFileInfo{
			VmPathName: fmt.Sprintf("[%s] %s/%s.vmx", home, settings.Name, settings.Name),
		},
	}
	devices, err := l.diskSpecs(settings)
	if err != nil {
		return nil, err
	}
	cards, err := l.cardSpecs(settings)
	if err != nil {
		return nil, err
	}
	spec.DeviceChange = append(devices, cards...)
	return spec, nil
}

func addition(device types.BaseVirtualDevice) *types.VirtualDeviceConfigSpec {
	return &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
}

// diskSpecs puts the disks on one controller of each kind.
func (l *Lab) diskSpecs(settings *config.Machine) ([]types.BaseVirtualDeviceConfigSpec, error) {
	var changes []types.BaseVirtualDeviceConfigSpec
	controllers, units := map[string]int32{}, map[string]int32{}
	nextSCSIBus := int32(0)
	for index := range settings.Disks {
		disk := &settings.Disks[index]
		if _, made := controllers[disk.Controller]; !made && disk.Controller != "ide" {
			controller, key := newController(disk.Controller, nextSCSIBus)
			if key >= 1000 && key < 2000 {
				nextSCSIBus++
			}
			controllers[disk.Controller] = key
			changes = append(changes, addition(controller))
		} else if disk.Controller == "ide" {
			controllers["ide"] = 200 // every machine has it
		}
		unit := units[disk.Controller]
		if unit == 7 && controllers[disk.Controller] < 2000 {
			unit++ // the SCSI controller itself
		}
		units[disk.Controller] = unit + 1
		device, err := newDisk(settings, index, disk, controllers[disk.Controller], unit)
		if err != nil {
			return nil, err
		}
		change := addition(device)
		change.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
		changes = append(changes, change)
	}
	return changes, nil
}

func newController(kind string, bus int32) (types.BaseVirtualDevice, int32) {
	scsi := types.VirtualSCSIController{SharedBus: types.VirtualSCSISharingNoSharing, ScsiCtlrUnitNumber: 7}
	scsi.Key, scsi.BusNumber = 1000+bus, bus
	switch kind {
	case "pvscsi":
		return &types.ParaVirtualSCSIController{VirtualSCSIController: scsi}, scsi.Key
	case "lsilogic-sas":
		return &types.VirtualLsiLogicSASController{VirtualSCSIController: scsi}, scsi.Key
	case "buslogic":
		return &types.VirtualBusLogicController{VirtualSCSIController: scsi}, scsi.Key
	case "sata":
		controller := new(types.VirtualAHCIController)
		controller.Key = 15000
		return controller, controller.Key
	case "nvme":
		controller := new(types.VirtualNVMEController)
		controller.Key = 31000
		return controller, controller.Key
	default:
		return &types.VirtualLsiLogicController{VirtualSCSIController: scsi}, scsi.Key
	}
}

func newDisk(
	settings *config.Machine, index int, disk *config.Disk, controller, unit int32,
) (*types.VirtualDisk, error) {
	name := settings.Name
	if index > 0 {
		name = fmt.Sprintf("%s_%d", settings.Name, index)
	}
	file := types.VirtualDeviceFileBackingInfo{FileName: fmt.Sprintf("[%s] %s/%s.vmdk", disk.Datastore, settings.Name, name)}
	label := disk.Label
	if label == "" {
		label = fmt.Sprintf("Hard disk %d", index+1)
	}
	device := &types.VirtualDisk{CapacityInBytes: disk.Size, CapacityInKB: disk.Size / 1024}
	device.ControllerKey, device.UnitNumber = controller, &unit
	device.DeviceInfo = &types.Description{Label: label}
	device.Backing = diskBacking(disk, file)
	return device, nil
}

func diskBacking(disk *config.Disk, file types.VirtualDeviceFileBackingInfo) types.BaseVirtualDeviceBackingInfo {
	sharing := string(types.VirtualDiskSharingSharingNone)
	if disk.Sharing == "multi_writer" {
		sharing = string(types.VirtualDiskSharingSharingMultiWriter)
	}
	if disk.Backing == "flat" {
		return &types.VirtualDiskFlatVer2BackingInfo{
			VirtualDeviceFileBackingInfo: file, DiskMode: disk.Mode, Sharing: sharing, ThinProvisioned: disk.Thin,
			Uuid: disk.UUID,
		}
	}
	mode := types.VirtualDiskCompatibilityModeVirtualMode
	if disk.Backing == "rdm_physical" {
		mode = types.VirtualDiskCompatibilityModePhysicalMode
	}
	return &types.VirtualDiskRawDiskMappingVer1BackingInfo{
		VirtualDeviceFileBackingInfo: file, DiskMode: disk.Mode, Sharing: sharing, Uuid: disk.UUID,
		CompatibilityMode: string(mode), LunUuid: "020000000060003ff44dc75adc", DeviceName: "vml.020000000060003ff44dc75adc",
	}
}

// cardSpecs connects one card to each named network, standard or distributed.
func (l *Lab) cardSpecs(settings *config.Machine) ([]types.BaseVirtualDeviceConfigSpec, error) {
	var changes []types.BaseVirtualDeviceConfigSpec
	for index, name := range settings.Networks {
		info, err := l.networkBacking(name)
		if err != nil {
			return nil, err
		}
		card := new(types.VirtualVmxnet3)
		card.Key, card.Backing, card.AddressType = 4000+int32(index), info, string(types.VirtualEthernetCardMacTypeAssigned)
		changes = append(changes, addition(card))
	}
	return changes, nil
}

func (l *Lab) networkBacking(name string) (types.BaseVirtualDeviceBackingInfo, error) {
	datacenter := l.registry.Get(l.home.datacenter.Reference()).(*simulator.Datacenter)
	switch network := l.registry.FindByName(name, datacenter.Network).(type) {
	case nil:
		return nil, fmt.Errorf("no network %q", name)
	case *simulator.DistributedVirtualPortgroup:
		owner := l.registry.Get(*network.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch)
		return &types.VirtualEthernetCardDistributedVirtualPortBackingInfo{
			Port: types.DistributedVirtualSwitchPortConnection{PortgroupKey: network.Key, SwitchUuid: owner.Uuid},
		}, nil
	default:
		info := new(types.VirtualEthernetCardNetworkBackingInfo)
		info.DeviceName = name
		return info, nil
	}
}
