package vcenter

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// backing is what the kinds of disk backing have in common.
type backing struct {
	file     *types.VirtualDeviceFileBackingInfo
	uuid     *string
	mode     *string
	sharing  string
	changeID *string
	thick    bool
	physical bool // a raw device mapping in physical mode
	root     string
}

// backingOf looks into a disk's backing; false for a kind that this lab does not know.
func backingOf(disk *types.VirtualDisk) (backing, bool) {
	switch info := disk.Backing.(type) {
	case *types.VirtualDiskFlatVer2BackingInfo:
		return backing{
			file: &info.VirtualDeviceFileBackingInfo, uuid: &info.Uuid, mode: &info.DiskMode,
			sharing: info.Sharing, changeID: &info.ChangeId, root: rootFile(info),
			thick: !isTrue(info.ThinProvisioned),
		}, true
	case *types.VirtualDiskRawDiskMappingVer1BackingInfo:
		return backing{
			file: &info.VirtualDeviceFileBackingInfo, uuid: &info.Uuid, mode: &info.DiskMode,
			sharing: info.Sharing, changeID: &info.ChangeId, root: info.FileName,
			physical: info.CompatibilityMode == string(types.VirtualDiskCompatibilityModePhysicalMode),
		}, true
	default:
		return backing{}, false
	}
}

func rootFile(info *types.VirtualDiskFlatVer2BackingInfo) string { return rootBacking(info).FileName }

// rootBacking is the end of a disk's chain.
func rootBacking(info *types.VirtualDiskFlatVer2BackingInfo) *types.VirtualDiskFlatVer2BackingInfo {
	for info.Parent != nil {
		info = info.Parent
	}
	return info
}

// excluded says why a snapshot leaves the disk out, or nothing.
func (b backing) excluded() string {
	switch {
	case strings.HasPrefix(*b.mode, "independent"):
		return "independent"
	case b.physical:
		return "rdm_physical"
	case b.sharing == string(types.VirtualDiskSharingSharingMultiWriter):
		return "multi_writer"
	default:
		return ""
	}
}

func capacityOf(disk *types.VirtualDisk) int64 {
	if disk.CapacityInBytes != 0 {
		return disk.CapacityInBytes
	}
	return disk.CapacityInKB * 1024
}

// newDiskUUID makes a backing UUID in ESXi's form, unique for each disk made.
func newDiskUUID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	copy(raw[:], []byte{0x60, 0x00, 0xC2, 0x90 | raw[3]&0x0F})
	text := hex.EncodeToString(raw[:])
	return strings.ToUpper(text[:8]) + fmt.Sprintf("-%s-%s-%s-%s", text[8:12], text[12:16], text[16:20], text[20:])
}

// adapterOf names the disk's controller as a descriptor's ddb.adapterType does.
func adapterOf(devices object.VirtualDeviceList, disk *types.VirtualDisk) string {
	switch devices.FindByKey(disk.ControllerKey).(type) {
	case *types.VirtualIDEController:
		return "ide"
	case *types.VirtualBusLogicController:
		return "buslogic"
	case *types.ParaVirtualSCSIController:
		return "pvscsi"
	case *types.VirtualNVMEController:
		return "nvme"
	case *types.VirtualAHCIController:
		return "sata"
	default:
		return "lsilogic"
	}
}

// diskDevices lists the virtual disks among devices.
func diskDevices(devices []types.BaseVirtualDevice) []*types.VirtualDisk {
	var disks []*types.VirtualDisk
	for _, device := range devices {
		if disk, ok := device.(*types.VirtualDisk); ok {
			disks = append(disks, disk)
		}
	}
	return disks
}
