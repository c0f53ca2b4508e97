package vcenter

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// snapshotTree edits a machine's snapshot information without touching the original.
type snapshotTree struct {
	info types.VirtualMachineSnapshotInfo
}

func treeOf(info *types.VirtualMachineSnapshotInfo) *snapshotTree {
	tree := new(snapshotTree)
	if info != nil {
		tree.info.CurrentSnapshot = info.CurrentSnapshot
		tree.info.RootSnapshotList = copyNodes(info.RootSnapshotList)
	}
	return tree
}

func copyNodes(nodes []types.VirtualMachineSnapshotTree) []types.VirtualMachineSnapshotTree {
	copied := slices.Clone(nodes)
	for index := range copied {
		copied[index].ChildSnapshotList = copyNodes(copied[index].ChildSnapshotList)
	}
	return copied
}

// add puts a node under the current snapshot and makes it the current one.
func (t *snapshotTree) add(node types.VirtualMachineSnapshotTree) {
	if parent := t.find(t.info.CurrentSnapshot); parent != nil {
		parent.ChildSnapshotList = append(parent.ChildSnapshotList, node)
	} else {
		t.info.RootSnapshotList = append(t.info.RootSnapshotList, node)
	}
	t.info.CurrentSnapshot = &node.Snapshot
}

// remove takes a node out; its children move up to its parent.
func (t *snapshotTree) remove(ref types.ManagedObjectReference) {
	if current := t.info.CurrentSnapshot; current != nil && *current == ref {
		t.info.CurrentSnapshot = t.parent(ref)
	}
	t.info.RootSnapshotList = without(t.info.RootSnapshotList, ref)
}

func without(nodes []types.VirtualMachineSnapshotTree, ref types.ManagedObjectReference) []types.VirtualMachineSnapshotTree {
	var kept []types.VirtualMachineSnapshotTree
	for _, node := range nodes {
		node.ChildSnapshotList = without(node.ChildSnapshotList, ref)
		if node.Snapshot == ref {
			kept = append(kept, node.ChildSnapshotList...)
		} else {
			kept = append(kept, node)
		}
	}
	return kept
}

// find returns the node of a snapshot, or nil.
func (t *snapshotTree) find(ref *types.ManagedObjectReference) *types.VirtualMachineSnapshotTree {
	var found *types.VirtualMachineSnapshotTree
	t.walk(func(node, _ *types.VirtualMachineSnapshotTree) {
		if ref != nil && node.Snapshot == *ref {
			found = node
		}
	})
	return found
}

// parent returns the snapshot above ref, or nil for a root.
func (t *snapshotTree) parent(ref types.ManagedObjectReference) *types.ManagedObjectReference {
	var found *types.ManagedObjectReference
	t.walk(func(node, parent *types.VirtualMachineSnapshotTree) {
		if node.Snapshot == ref && parent != nil {
			found = &parent.Snapshot
		}
	})
	return found
}

// subtree lists a snapshot and all below it, the lowest first.
func (t *snapshotTree) subtree(ref types.ManagedObjectReference) []types.ManagedObjectReference {
	var refs []types.ManagedObjectReference
	var collect func(node *types.VirtualMachineSnapshotTree)
	collect = func(node *types.VirtualMachineSnapshotTree) {
		for index := range node.ChildSnapshotList {
			collect(&node.ChildSnapshotList[index])
		}
		refs = append(refs, node.Snapshot)
	}
	if node := t.find(&ref); node != nil {
		collect(node)
	}
	return refs
}

// walk visits every node with its parent, parents first.
func (t *snapshotTree) walk(visit func(node, parent *types.VirtualMachineSnapshotTree)) {
	var step func(nodes []types.VirtualMachineSnapshotTree, parent *types.VirtualMachineSnapshotTree)
	step = func(nodes []types.VirtualMachineSnapshotTree, parent *types.VirtualMachineSnapshotTree) {
		for index := range nodes {
			visit(&nodes[index], parent)
			step(nodes[index].ChildSnapshotList, &nodes[index])
		}
	}
	step(t.info.RootSnapshotList, nil)
}

// changes are the property changes that put the tree into a machine's object.
func (t *snapshotTree) changes() []types.PropertyChange {
	if len(t.info.RootSnapshotList) == 0 {
		return []types.PropertyChange{{Name: "snapshot", Val: nil}, {Name: "rootSnapshot", Val: nil}}
	}
	var roots []types.ManagedObjectReference
	for _, node := range t.info.RootSnapshotList {
		roots = append(roots, node.Snapshot)
	}
	return []types.PropertyChange{{Name: "snapshot", Val: t.info}, {Name: "rootSnapshot", Val: roots}}
}
