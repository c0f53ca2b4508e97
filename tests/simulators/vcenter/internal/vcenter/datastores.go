package vcenter

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
	"keepline.org/simulators/vcenter/internal/sparse"
)

func (l *Lab) datastoreSettings(name string) (config.Datastore, bool) {
	for _, settings := range l.config.Datastores {
		if settings.Name == name {
			return settings, true
		}
	}
	return config.Datastore{}, false
}

// freeBytes is the capacity without what files take; a thick disk takes its whole capacity. A test may have set it.
func (l *Lab) freeBytes(name string) int64 {
	l.mutex.Lock()
	forced, isForced := l.freeSpace[name]
	l.mutex.Unlock()
	if isForced {
		return forced
	}
	settings, _ := l.datastoreSettings(name)
	free := settings.Capacity - allocatedUnder(settings.Folder)
	for _, disk := range l.thickDisks(name) {
		free -= disk
	}
	return max(free, 0)
}

// allocatedUnder sums the blocks that the files below folder take.
func allocatedUnder(folder string) int64 {
	total := int64(0)
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil { // a file may vanish meanwhile
				total += sparse.AllocatedBytes(info)
			}
		}
		return nil
	})
	return total
}

// thickDisks lists what each thick disk reserves beyond the blocks its file takes already.
func (l *Lab) thickDisks(datastore string) []int64 {
	var reserved []int64
	for _, machine := range l.allMachines() {
		machine.mutex.Lock()
		for _, disk := range machine.disks {
			if info, err := os.Stat(disk.Flat); err == nil && disk.Thick && disk.Datastore == datastore {
				reserved = append(reserved, max(disk.Capacity-sparse.AllocatedBytes(info), 0))
			}
		}
		machine.mutex.Unlock()
	}
	return reserved
}

// refreshFreeSpace shows the present free space of a datastore.
func (l *Lab) refreshFreeSpace(ctx *simulator.Context, name string) {
	ref, known := l.home.datastores[name]
	if !known {
		return
	}
	settings, _ := l.datastoreSettings(name)
	free, now := l.freeBytes(name), time.Now()
	datastore := l.registry.Get(ref).(*simulator.Datastore)
	ctx.WithLock(datastore, func() {
		info := datastore.Info.GetDatastoreInfo()
		info.FreeSpace, info.Timestamp = free, &now
		ctx.Update(datastore, []types.PropertyChange{
			{Name: "summary.capacity", Val: settings.Capacity},
			{Name: "summary.freeSpace", Val: free},
		})
	})
}

// refreshFreeSpaceOf does so for the datastores of a machine.
func (l *Lab) refreshFreeSpaceOf(ctx *simulator.Context, entity *simulator.VirtualMachine) {
	for _, ref := range entity.Datastore {
		if datastore, ok := l.registry.Get(ref).(*simulator.Datastore); ok {
			l.refreshFreeSpace(ctx, datastore.Name)
		}
	}
}

// RefreshDatastore takes the simulator's place, which would show a fixed size.
func (s *sidecar) RefreshDatastore(ctx *simulator.Context, request *types.RefreshDatastore) soap.HasFault {
	datastore, ok := s.registry.Get(request.This).(*simulator.Datastore)
	if !ok {
		fault := simulator.Fault("", &types.ManagedObjectNotFound{Obj: request.This})
		return &methods.RefreshDatastoreBody{Fault_: fault}
	}
	s.refreshFreeSpace(ctx, datastore.Name)
	return &methods.RefreshDatastoreBody{Res: new(types.RefreshDatastoreResponse)}
}
