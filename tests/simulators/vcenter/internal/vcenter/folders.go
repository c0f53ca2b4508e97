package vcenter

import (
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// savedFolder is a folder made after the fixed part of the inventory.
type savedFolder struct {
	Ref    types.ManagedObjectReference `json:"ref"`
	Parent types.ManagedObjectReference `json:"parent"`
	Name   string                       `json:"name"`
}

// noteFolder remembers a new folder; the listener hears only of those that are not built at each start.
func (l *Lab) noteFolder(folder *simulator.Folder) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if folder.Parent != nil {
		l.folders = append(l.folders, savedFolder{folder.Self, *folder.Parent, folder.Name})
	}
}

func (l *Lab) forgetFolder(ref types.ManagedObjectReference) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.folders = slices.DeleteFunc(l.folders, func(one savedFolder) bool { return one.Ref == ref })
}

// restoreFolders makes the folders again under their old morefs, parents first.
func (l *Lab) restoreFolders(folders []savedFolder) {
	for _, saved := range folders {
		parent, ok := l.registry.Get(saved.Parent).(*simulator.Folder)
		if !ok {
			continue
		}
		folder := new(simulator.Folder)
		folder.Self, folder.Name, folder.ChildType = saved.Ref, saved.Name, parent.ChildType
		parent.ChildEntity = append(parent.ChildEntity, saved.Ref)
		l.registry.PutEntity(parent, folder)
	}
}
