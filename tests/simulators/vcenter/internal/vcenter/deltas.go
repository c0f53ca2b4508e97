package vcenter

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// While a machine has snapshots, its running disks are called NAME-00000n.vmdk with the snapshot's file as their parent.
// Only the names and tiny descriptors exist: the bytes stay in the one -flat file.

var (
	deltaSuffix = regexp.MustCompile(`(-\d{6})?\.vmdk$`)
	deltaName   = regexp.MustCompile(`-\d{6}\.vmdk$`)
)

// startDeltas gives each disk that the snapshot froze a new running file.
func (l *Lab) startDeltas(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine, snapshot *Snapshot) {
	number := machine.newDeltaNumber()
	names := map[int32]string{}
	for key, disk := range snapshot.Disks {
		names[key] = deltaSuffix.ReplaceAllString(disk.FileName, fmt.Sprintf("-%06d.vmdk", number))
		l.writeDeltaDescriptor(names[key])
	}
	l.renameRunning(ctx, entity, names)
}

func (m *Machine) newDeltaNumber() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.nextDelta++
	return m.nextDelta
}

// renameRunning gives the present disks new file names, by device key. A raw device mapping keeps its name.
func (l *Lab) renameRunning(ctx *simulator.Context, entity *simulator.VirtualMachine, names map[int32]string) {
	devices := make([]types.BaseVirtualDevice, 0, len(entity.Config.Hardware.Device))
	for _, device := range entity.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok && names[disk.Key] != "" {
			device = renamed(disk, names[disk.Key])
		}
		devices = append(devices, device)
	}
	ctx.Update(entity, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
}

// renamed copies a disk with another file name; what the name was before becomes the parent, so that the chain still
// ends in the root file.
func renamed(disk *types.VirtualDisk, name string) *types.VirtualDisk {
	flat, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok || flat.FileName == name {
		return disk
	}
	changedDisk, changedBacking := *disk, *flat
	changedBacking.FileName = name
	if name == rootFile(flat) {
		changedBacking.Parent = nil
	} else {
		changedBacking.Parent = flat
	}
	changedDisk.Backing = &changedBacking
	return &changedDisk
}

// relink sets the parents of all disks anew from the tree of snapshots.
func (l *Lab) relink(ctx *simulator.Context, machine *Machine, entity *simulator.VirtualMachine) {
	tree := treeOf(entity.Snapshot)
	tree.walk(func(node, parent *types.VirtualMachineSnapshotTree) {
		object, ok := l.registry.Get(node.Snapshot).(*simulator.VirtualMachineSnapshot)
		if !ok {
			return
		}
		var above *types.ManagedObjectReference
		if parent != nil {
			above = &parent.Snapshot
		}
		ctx.WithLock(object, func() { l.relinkDevices(object.Config.Hardware.Device, l.snapshot(node.Snapshot.Value), above) })
	})
	devices := make([]types.BaseVirtualDevice, 0, len(entity.Config.Hardware.Device))
	for _, device := range entity.Config.Hardware.Device {
		if disk, ok := device.(*types.VirtualDisk); ok {
			device = l.withParent(disk, tree.info.CurrentSnapshot)
		}
		devices = append(devices, device)
	}
	ctx.Update(entity, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
}

func (l *Lab) relinkDevices(devices []types.BaseVirtualDevice, record *Snapshot, parent *types.ManagedObjectReference) {
	for index, device := range devices {
		disk, ok := device.(*types.VirtualDisk)
		if !ok || record == nil || record.Disks[disk.Key] == nil {
			continue
		}
		if info, known := backingOf(disk); known {
			info.file.FileName = record.Disks[disk.Key].FileName
		}
		devices[index] = l.withParent(disk, parent)
	}
}

// withParent copies a disk with its parent taken from the snapshot above it.
func (l *Lab) withParent(disk *types.VirtualDisk, above *types.ManagedObjectReference) *types.VirtualDisk {
	flat, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return disk
	}
	changedDisk, changedBacking := *disk, *flat
	changedBacking.Parent = nil
	if above != nil {
		changedBacking.Parent = l.parentBacking(disk.Key, flat, *above)
	}
	if root := rootBacking(flat); changedBacking.Parent == nil && root != flat {
		changedBacking.Parent = root // a removal left its files behind: the chain goes on without a snapshot
	}
	changedDisk.Backing = &changedBacking
	return &changedDisk
}

func (l *Lab) parentBacking(
	key int32, child *types.VirtualDiskFlatVer2BackingInfo, above types.ManagedObjectReference,
) *types.VirtualDiskFlatVer2BackingInfo {
	object, ok := l.registry.Get(above).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return nil
	}
	for _, disk := range diskDevices(object.Config.Hardware.Device) {
		parent, flat := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if flat && disk.Key == key && parent.Uuid == child.Uuid && parent.FileName != child.FileName {
			copied := *parent
			return &copied
		}
	}
	return nil
}

// writeDeltaDescriptor makes the small file that the simulator looks for when a device is edited.
func (l *Lab) writeDeltaDescriptor(fileName string) {
	if name := l.localFile(fileName); name != "" {
		text := "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"vmfsSparse\"\n"
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			log.Printf("%s: %v", name, err)
		}
	}
}

// dropRunningDeltas removes the descriptors of the present deltas: their names go out of use.
func (l *Lab) dropRunningDeltas(entity *simulator.VirtualMachine) {
	for _, disk := range diskDevices(entity.Config.Hardware.Device) {
		if flat, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok && flat.Parent != nil {
			l.removeDeltaDescriptor(flat.FileName)
		}
	}
}

func (l *Lab) removeDeltaDescriptor(fileName string) {
	if name := l.localFile(fileName); deltaName.MatchString(name) {
		_ = os.Remove(name) // it may never have been written
	}
}

// localFile returns the file behind "[datastore] path", or nothing.
func (l *Lab) localFile(fileName string) string {
	var path object.DatastorePath
	if !path.FromString(fileName) {
		return ""
	}
	ref, known := l.home.datastores[path.Datastore]
	if !known {
		return ""
	}
	return filepath.Join(l.registry.Get(ref).(*simulator.Datastore).Summary.Url, path.Path)
}
