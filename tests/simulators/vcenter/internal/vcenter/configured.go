package vcenter

import (
	"context"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
	"keepline.org/simulators/vcenter/internal/sparse"
)

// createConfigured makes the machines of the configuration, at the first start only.
func (l *Lab) createConfigured() error {
	for index := range l.config.Machines {
		settings := &l.config.Machines[index]
		if err := l.createOne(settings); err != nil {
			return fmt.Errorf("machine %s: %w", settings.Name, err)
		}
	}
	return nil
}

func (l *Lab) createOne(settings *config.Machine) error {
	for index := range settings.Disks {
		if err := completeSize(&settings.Disks[index]); err != nil {
			return err
		}
	}
	folder, err := l.machineFolder(settings.Folder)
	if err != nil {
		return err
	}
	spec, err := l.machineSpec(settings)
	if err != nil {
		return err
	}
	request := &types.CreateVM_Task{This: folder, Config: *spec, Pool: l.home.clusters[settings.Cluster]}
	if settings.Host != "" {
		host, known := l.home.hosts[settings.Host]
		if !known {
			return fmt.Errorf("no host %q", settings.Host)
		}
		request.Host, request.Pool = &host, l.home.hostPool[host.Value]
	}
	ctx := l.context()
	answer := l.sidecar.CreateVMTask(ctx, request).(*methods.CreateVM_TaskBody)
	result, fault := l.wait(answer.Res.Returnval)
	if fault != nil {
		return fmt.Errorf("%T %+v", fault, fault)
	}
	return l.fillMachine(settings, l.machine(result.(types.ManagedObjectReference).Value))
}

// completeSize takes a disk's size from its image, rounded up to whole sectors.
func completeSize(disk *config.Disk) error {
	if disk.Image == "" {
		return nil
	}
	info, err := os.Stat(disk.Image)
	if err != nil {
		return err
	}
	if disk.Size == 0 {
		disk.Size = (info.Size() + 511) / 512 * 512
	}
	if info.Size() > disk.Size {
		return fmt.Errorf("image %s of %d bytes is longer than the disk of %d", disk.Image, info.Size(), disk.Size)
	}
	return nil
}

// fillMachine takes the images over and sets what a specification cannot say.
func (l *Lab) fillMachine(settings *config.Machine, machine *Machine) error {
	machine.tools = settings.Tools
	keys := diskKeysInOrder(machine)
	if len(keys) != len(settings.Disks) {
		return fmt.Errorf("%d of %d disks were made", len(keys), len(settings.Disks))
	}
	for index, disk := range settings.Disks {
		present := machine.diskByKey(keys[index])
		if disk.SectorSize != 512 {
			machine.sectors[present.Key], present.SectorSize = disk.SectorSize, disk.SectorSize
		}
		if disk.Image == "" {
			continue
		}
		take := sparse.Clone
		if disk.MoveImage {
			take = sparse.Move
		}
		if err := take(present.Flat, disk.Image); err != nil {
			return err
		}
		if err := growFlat(present.Flat, present.Capacity); err != nil {
			return err
		}
	}
	return l.finishConfigured(settings, machine)
}

// diskKeysInOrder lists the disks' keys in the order of the configuration.
func diskKeysInOrder(machine *Machine) []int32 {
	keys := make([]int32, 0, len(machine.disks))
	for _, disk := range machine.disks {
		keys = append(keys, disk.Key)
	}
	return keys
}

func (l *Lab) finishConfigured(settings *config.Machine, machine *Machine) error {
	var fault types.BaseMethodFault
	l.onEntity(machine, func(ctx *simulator.Context, entity *simulator.VirtualMachine) {
		ctx.Update(entity, []types.PropertyChange{
			{Name: "capability.changeTrackingSupported", Val: *settings.CBTSupported},
			{Name: "config.template", Val: settings.Template},
			{Name: "summary.config.template", Val: settings.Template},
		})
		l.afterPower(ctx, machine, entity)
		if *settings.NVRAM {
			l.writeNVRAM(entity)
		}
		l.refreshFreeSpaceOf(ctx, entity)
		if settings.Power == "on" {
			fault = l.powerOn(ctx, &types.PowerOnVM_Task{This: machine.Ref})
			if !*settings.NVRAM {
				_ = os.Remove(l.nvramFile(entity))
			}
		}
	})
	if fault != nil {
		return fmt.Errorf("power on: %T", fault)
	}
	return nil
}

// machineFolder finds or makes a folder below the datacenter's machine folder.
func (l *Lab) machineFolder(name string) (types.ManagedObjectReference, error) {
	ctx := context.Background()
	current := l.home.machineFolder
	client, err := vim25.NewClient(ctx, l.service)
	if err != nil {
		return current, err
	}
	for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if part == "" {
			continue
		}
		parent := l.registry.Get(current).(*simulator.Folder)
		if child, ok := l.registry.FindByName(part, parent.ChildEntity).(mo.Entity); ok && child != nil {
			current = child.Reference()
			continue
		}
		made, err := object.NewFolder(client, current).CreateFolder(ctx, part)
		if err != nil {
			return current, err
		}
		current = made.Reference()
	}
	return current, nil
}
