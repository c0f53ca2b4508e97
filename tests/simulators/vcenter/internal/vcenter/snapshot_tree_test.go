package vcenter

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func reference(name string) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "VirtualMachineSnapshot", Value: name}
}

// names lists the tree with one ">" for each level.
func names(tree *snapshotTree) []string {
	depth, list := map[string]string{}, []string{}
	tree.walk(func(node, parent *types.VirtualMachineSnapshotTree) {
		mark := ""
		if parent != nil {
			mark = depth[parent.Snapshot.Value] + ">"
		}
		depth[node.Snapshot.Value] = mark
		list = append(list, mark+node.Snapshot.Value)
	})
	return list
}

func grown(refs ...string) *snapshotTree {
	tree := treeOf(nil)
	for _, ref := range refs {
		tree.add(types.VirtualMachineSnapshotTree{Snapshot: reference(ref)})
	}
	return tree
}

func TestSnapshotsGrowUnderTheCurrentOne(t *testing.T) {
	tree := grown("a", "b")
	back := reference("a")
	tree.info.CurrentSnapshot = &back
	tree.add(types.VirtualMachineSnapshotTree{Snapshot: reference("c")})
	if got := names(tree); !slices.Equal(got, []string{"a", ">b", ">c"}) {
		t.Errorf("%v", got)
	}
}

func TestChildrenMoveUpWhenASnapshotGoes(t *testing.T) {
	tree := grown("a", "b", "c")
	tree.remove(reference("b"))
	if got := names(tree); !slices.Equal(got, []string{"a", ">c"}) || *tree.info.CurrentSnapshot != reference("c") {
		t.Errorf("%v, current %v", got, tree.info.CurrentSnapshot)
	}
	tree.remove(reference("c"))
	if *tree.info.CurrentSnapshot != reference("a") {
		t.Errorf("current %v", tree.info.CurrentSnapshot)
	}
	tree.remove(reference("a"))
	if tree.info.CurrentSnapshot != nil || len(names(tree)) != 0 {
		t.Errorf("%v", names(tree))
	}
}

func TestASubtreeIsListedFromItsEnd(t *testing.T) {
	if got := grown("a", "b", "c").subtree(reference("b")); !slices.Equal(got, []types.ManagedObjectReference{reference("c"), reference("b")}) {
		t.Errorf("%v", got)
	}
}

func TestEditingATreeLeavesTheOriginalAlone(t *testing.T) {
	original := grown("a", "b")
	treeOf(&original.info).remove(reference("b"))
	if got := names(original); !slices.Equal(got, []string{"a", ">b"}) {
		t.Errorf("%v", got)
	}
}
