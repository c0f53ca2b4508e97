package frozen

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

const capacity = 5*CellBytes + 1536 // the last cell is short

// bench is a disk file with the store beside it.
type bench struct {
	*testing.T
	store  Store
	flat   string
	open   []*Disk
	random *rand.Rand
}

func newBench(t *testing.T, seed uint64) *bench {
	t.Helper()
	folder := t.TempDir()
	b := &bench{t, Store{filepath.Join(folder, "frozen")}, filepath.Join(folder, "disk-flat.vmdk"), nil,
		rand.New(rand.NewPCG(seed, 1))}
	if err := os.WriteFile(b.flat, b.bytes(capacity), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) bytes(count int) []byte {
	content := make([]byte, count)
	for index := range content {
		content[index] = byte(b.random.Uint32())
	}
	return content
}

func (b *bench) content() []byte {
	b.Helper()
	content, err := os.ReadFile(b.flat)
	if err != nil {
		b.Fatal(err)
	}
	return content
}

func (b *bench) freeze() *Disk {
	b.Helper()
	disk, err := b.store.Freeze(fmt.Sprint("snapshot-", len(b.open)), 2000, b.flat, capacity)
	if err != nil {
		b.Fatal(err)
	}
	b.open = append(b.open, disk)
	return disk
}

func (b *bench) writer() *Writer {
	b.Helper()
	writer, err := OpenWriter(b.flat, b.open)
	if err != nil {
		b.Fatal(err)
	}
	return writer
}

func (b *bench) frozenContent(disk *Disk) []byte {
	b.Helper()
	content, err := disk.ReadAt(0, capacity)
	if err != nil {
		b.Fatal(err)
	}
	return content
}

// disturb makes a random write, hole or nothing.
func (b *bench) disturb() {
	b.Helper()
	writer := b.writer()
	defer writer.Close()
	offset := b.random.Int64N(capacity)
	length := 1 + b.random.Int64N(capacity-offset)
	var err error
	if b.random.IntN(3) == 0 {
		err = writer.Zero(offset, length)
	} else {
		_, err = writer.WriteAt(b.bytes(int(length)), offset)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func TestEverySnapshotKeepsTheBytesOfItsMoment(t *testing.T) {
	for seed := range uint64(30) {
		b := newBench(t, seed)
		var moments [][]byte
		for range 4 {
			b.freeze()
			moments = append(moments, b.content())
			for range b.random.IntN(4) {
				b.disturb()
			}
		}
		for index, disk := range b.open {
			if !bytes.Equal(b.frozenContent(disk), moments[index]) {
				t.Fatalf("seed %d: snapshot %d changed", seed, index)
			}
		}
	}
}

func TestRevertBringsTheBytesBackAndKeepsOtherSnapshots(t *testing.T) {
	for seed := range uint64(20) {
		b := newBench(t, seed)
		first, firstBytes := b.freeze(), b.content()
		b.disturb()
		second, secondBytes := b.freeze(), b.content()
		b.disturb()
		writer := b.writer()
		if err := writer.Restore(first); err != nil {
			t.Fatal(err)
		}
		writer.Close()
		if !bytes.Equal(b.content()[:capacity], firstBytes) {
			t.Fatalf("seed %d: the disk is not what it was", seed)
		}
		if !bytes.Equal(b.frozenContent(first), firstBytes) || !bytes.Equal(b.frozenContent(second), secondBytes) {
			t.Fatalf("seed %d: the revert changed a snapshot", seed)
		}
	}
}

func TestReplaceWritesOnlyWhatDiffers(t *testing.T) {
	b := newBench(t, 7)
	frozen, before := b.freeze(), b.content()
	wanted := bytes.Clone(before)
	wanted[4096*3+5]++
	copy(wanted[capacity-600:], make([]byte, 600))
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, wanted, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	writer, total := b.writer(), int64(0)
	defer writer.Close()
	if err := writer.Replace(file, capacity, func(_, length int64) { total += length }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.content(), wanted) || !bytes.Equal(b.frozenContent(frozen), before) {
		t.Error("wrong bytes after the replacement")
	}
	if total == 0 || total > 3*4096 {
		t.Errorf("%d bytes were written", total)
	}
}

func TestUntouchedDisksTakeNoSpace(t *testing.T) {
	b := newBench(t, 9)
	disk := b.freeze()
	for _, name := range []string{disk.Cow, disk.Map} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	cow, err := os.ReadFile(disk.Cow)
	if err != nil || len(cow) != 6*CellBytes || !isZero(cow) {
		t.Errorf("%d bytes, %v", len(cow), err)
	}
	if err := b.store.Drop("snapshot-0"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(disk.Cow); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestCopyFromStreamsAFile(t *testing.T) {
	b := newBench(t, 11)
	disk, before := b.freeze(), b.content()
	writer := b.writer()
	defer writer.Close()
	fresh := b.bytes(100000)
	count, err := io.CopyBuffer(io.NewOffsetWriter(writer, 70000), struct{ io.Reader }{bytes.NewReader(fresh)}, make([]byte, 999))
	if err != nil || count != 100000 {
		t.Fatal(count, err)
	}
	if !bytes.Equal(b.content()[70000:170000], fresh) || !bytes.Equal(b.frozenContent(disk), before) {
		t.Error("wrong bytes")
	}
}
