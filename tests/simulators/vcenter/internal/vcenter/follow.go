package vcenter

import (
	"cmp"
	"errors"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/tracking"
)

// follow takes over what changed in the API's object, which the caller has locked.
func (l *Lab) follow(machine *Machine, entity *mo.VirtualMachine, changes []types.PropertyChange) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	machine.name = entity.Name
	machine.running = entity.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
	if entity.Runtime.Host != nil {
		machine.host = entity.Runtime.Host.Value
	}
	for _, change := range changes {
		if change.Name == "config.hardware.device" {
			l.followDisks(machine, entity.Config.Hardware.Device)
			return
		}
	}
}

// followDisks makes the machine's list of disks anew; tracking stays with the backing UUID.
func (l *Lab) followDisks(machine *Machine, devices []types.BaseVirtualDevice) {
	machine.disks = nil
	for _, device := range diskDevices(devices) {
		disk, err := l.diskOf(machine, devices, device)
		if err != nil {
			log.Printf("%s: disk %d: %v", machine.name, device.Key, err)
			continue
		}
		machine.disks = append(machine.disks, disk)
		if !slices.Contains(machine.order, disk.Key) {
			machine.order = append(machine.order, disk.Key)
		}
	}
	slices.SortFunc(machine.disks, func(a, b *Disk) int {
		return slices.Index(machine.order, a.Key) - slices.Index(machine.order, b.Key)
	})
}

func (l *Lab) diskOf(machine *Machine, devices []types.BaseVirtualDevice, device *types.VirtualDisk) (*Disk, error) {
	info, known := backingOf(device)
	if !known || info.file.Datastore == nil {
		return nil, errors.New("no file backing that this lab knows")
	}
	datastore, found := l.registry.Get(*info.file.Datastore).(*simulator.Datastore)
	var path object.DatastorePath
	if !found || !path.FromString(info.root) {
		return nil, errors.New("no datastore path: " + info.root)
	}
	disk := &Disk{
		Key: device.Key, FileName: info.file.FileName, UUID: *info.uuid, Datastore: datastore.Name,
		Flat:       filepath.Join(datastore.Summary.Url, simulator.VirtualDiskBackingFileName(path.Path)),
		Descriptor: filepath.Join(datastore.Summary.Url, path.Path),
		Adapter:    adapterOf(devices, device), Capacity: capacityOf(device), Excluded: info.excluded(),
		SectorSize: cmp.Or(machine.sectors[device.Key], 512), Thick: info.thick,
	}
	if device.DeviceInfo != nil {
		disk.Label = device.DeviceInfo.GetDescription().Label
	}
	return disk, growFlat(disk.Flat, disk.Capacity)
}

// growFlat makes the disk's file as long as its capacity: the simulator leaves it empty.
func growFlat(flat string, capacity int64) error {
	file, err := os.OpenFile(flat, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() >= capacity {
		return err
	}
	return file.Truncate(capacity)
}

// grainOf is the size of a tracked grain of a disk.
func (l *Lab) grainOf(capacity int64) int64 {
	return cmp.Or(l.config.GranularityBytes, tracking.Granularity(capacity))
}

// stun lets what was asked of change tracking take effect; the machine's lock is held.
func (l *Lab) stun(machine *Machine, enabled bool) {
	late := len(machine.snapshots) > 0 && l.config.LateTracking == "wrong"
	for _, disk := range machine.disks {
		state := machine.trackingOf(disk.UUID)
		switch {
		case disk.Excluded != "" || !enabled:
			if state.Active() {
				state.Stop()
			}
		case !state.Active():
			state.Start(late)
		}
	}
}
