package sparse

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// holed makes a file of 4 MiB with data only at 1 MiB and at its end.
func holed(t *testing.T) (name string, content []byte) {
	t.Helper()
	name, content = filepath.Join(t.TempDir(), "image"), make([]byte, 4<<20)
	copy(content[1<<20:], bytes.Repeat([]byte("data"), 1000))
	copy(content[4<<20-10:], "the end...")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(int64(len(content))); err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]int{{1 << 20, 4000}, {4<<20 - 10, 10}} {
		if _, err := file.WriteAt(content[at[0]:at[0]+at[1]], int64(at[0])); err != nil {
			t.Fatal(err)
		}
	}
	return name, content
}

func TestCopiedDataLeavesHolesOut(t *testing.T) {
	name, content := holed(t)
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	copied := filepath.Join(t.TempDir(), "copy")
	out, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := copyData(out, in); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(copied)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	info, err := out.Stat()
	if err != nil || AllocatedBytes(info) > 1<<20 {
		t.Errorf("%d bytes allocated, %v", AllocatedBytes(info), err)
	}
}

func TestCloneAndMoveTakeTheContentOver(t *testing.T) {
	name, content := holed(t)
	clone, moved := filepath.Join(t.TempDir(), "deep", "clone"), filepath.Join(t.TempDir(), "moved")
	if err := Clone(clone, name); err != nil {
		t.Fatal(err)
	}
	if err := Move(moved, name); err != nil {
		t.Fatal(err)
	}
	for _, copied := range []string{clone, moved} {
		if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", copied, len(got), err)
		}
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("the moved file is still there: %v", err)
	}
}

func TestDataRangesHoldAllDataBeforeTheEnd(t *testing.T) {
	name, content := holed(t)
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rebuilt := make([]byte, len(content))
	if err := DataRanges(file, 2<<20, func(offset, length int64) error {
		copy(rebuilt[offset:offset+length], content[offset:offset+length])
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(rebuilt[:2<<20], content[:2<<20]) || !bytes.Equal(rebuilt[2<<20:], make([]byte, 2<<20)) {
		t.Error("other ranges")
	}
}

func TestAPunchedHoleReadsAsZeros(t *testing.T) {
	name, content := holed(t)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := PunchHole(file, 1<<20+10, 2000); err != nil {
		t.Fatal(err)
	}
	clear(content[1<<20+10 : 1<<20+2010])
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%v", err)
	}
}
