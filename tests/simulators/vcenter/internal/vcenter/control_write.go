package vcenter

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"keepline.org/simulators/vcenter/internal/frozen"
	"keepline.org/simulators/vcenter/internal/tracking"
)

// guest is a running guest's access to one disk; the machine's lock is held while it is open.
type guest struct {
	*frozen.Writer
	disk    *Disk
	record  func(offset, length int64)
	written int64
	extents []tracking.Extent
}

// WriteAt writes as the guest does: seen by change tracking.
func (g *guest) WriteAt(content []byte, offset int64) (int, error) {
	if offset < 0 || offset+int64(len(content)) > g.disk.Capacity {
		return 0, fmt.Errorf("%w: %d bytes at %d of %d", errOutside, len(content), offset, g.disk.Capacity)
	}
	g.note(offset, int64(len(content)))
	return g.Writer.WriteAt(content, offset)
}

// note records a write, before it is done: tracking may say too much but not too little.
func (g *guest) note(offset, length int64) {
	g.record(offset, length)
	g.written += length
	if last := len(g.extents) - 1; last >= 0 && g.extents[last].Offset+g.extents[last].Length == offset {
		g.extents[last].Length += length
	} else {
		g.extents = append(g.extents, tracking.Extent{Offset: offset, Length: length})
	}
}

type written struct {
	Bytes   int64             `json:"bytes"`
	Extents []tracking.Extent `json:"extents"`
}

// asGuest opens a disk, lets work write to it and keeps the state. Nothing else of the machine happens meanwhile.
func (l *Lab) asGuest(name which, tracked *bool, work func(*guest) error) (any, error) {
	machine, err := l.named(name.Machine)
	if err != nil {
		return nil, err
	}
	result, err := l.writeLocked(machine, name.Disk, tracked == nil || *tracked, work)
	if err != nil {
		return nil, err
	}
	return result, l.saveRecord(machine)
}

func (l *Lab) writeLocked(
	machine *Machine, name json.RawMessage, tracked bool, work func(*guest) error,
) (*written, error) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	disk, err := machine.disk(name)
	if err != nil {
		return nil, err
	}
	writer, err := frozen.OpenWriter(disk.Flat, machine.frozenOf(disk.Flat))
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	state, grain := machine.trackingOf(disk.UUID), l.grainOf(disk.Capacity)
	access := &guest{Writer: writer, disk: disk, extents: []tracking.Extent{}, record: func(offset, length int64) {
		if tracked {
			state.Record(offset, length, grain)
		}
	}}
	if err := work(access); err != nil {
		return nil, err
	}
	return &written{access.written, access.extents}, nil
}

type writeRequest struct {
	which
	Offset  int64  `json:"offset"`
	File    string `json:"file"`
	Base64  string `json:"data_base64"`
	Seed    int64  `json:"seed"`
	Length  int64  `json:"length"`
	Tracked *bool  `json:"tracked"`
}

// guestWrite writes a file, given bytes, or random bytes of a seed.
func (l *Lab) guestWrite(request *writeRequest) (any, error) {
	source, closer, err := request.source()
	if err != nil {
		return nil, err
	}
	defer closer()
	return l.asGuest(request.which, request.Tracked, func(access *guest) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.NewOffsetWriter(access, request.Offset)}, source, make([]byte, 1<<20))
		return err
	})
}

func (r *writeRequest) source() (io.Reader, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case r.File != "":
		file, err := os.Open(r.File)
		if err != nil {
			return nil, nil, err
		}
		return struct{ io.Reader }{file}, file.Close, nil
	case r.Base64 != "":
		return base64.NewDecoder(base64.StdEncoding, strings.NewReader(r.Base64)), nothing, nil
	case r.Length > 0:
		var seed [32]byte
		copy(seed[:], fmt.Sprint(r.Seed))
		return io.LimitReader(rand.NewChaCha8(seed), r.Length), nothing, nil
	default:
		return nil, nil, errors.New("write needs file, data_base64, or seed and length")
	}
}

type extentsRequest struct {
	which
	File    string     `json:"file"`
	Extents [][2]int64 `json:"extents"`
	Tracked *bool      `json:"tracked"`
}

// guestWriteExtents copies ranges of a file to the same places of the disk.
func (l *Lab) guestWriteExtents(request *extentsRequest) (any, error) {
	file, err := os.Open(request.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return l.asGuest(request.which, request.Tracked, func(access *guest) error {
		buffer := make([]byte, 1<<20)
		for _, extent := range request.Extents {
			source := struct{ io.Reader }{io.NewSectionReader(file, extent[0], extent[1])}
			destination := struct{ io.Writer }{io.NewOffsetWriter(access, extent[0])}
			count, err := io.CopyBuffer(destination, source, buffer)
			if err == nil && count < extent[1] {
				err = fmt.Errorf("%s ends within the extent %v", request.File, extent)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type replaceRequest struct {
	which
	Image   string `json:"image"`
	Tracked *bool  `json:"tracked"`
}

// guestReplace gives the disk the content of an image and marks only what differs.
func (l *Lab) guestReplace(request *replaceRequest) (any, error) {
	image, err := os.Open(request.Image)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	info, err := image.Stat()
	if err != nil {
		return nil, err
	}
	return l.asGuest(request.which, request.Tracked, func(access *guest) error {
		if (info.Size()+511)/512*512 != access.disk.Capacity {
			return fmt.Errorf("%s has %d bytes, the disk %d: extend the disk first",
				request.Image, info.Size(), access.disk.Capacity)
		}
		return access.Replace(image, access.disk.Capacity, access.note)
	})
}

type zeroRequest struct {
	which
	Offset  int64 `json:"offset"`
	Length  int64 `json:"length"`
	Tracked *bool `json:"tracked"`
}

// guestZero zeroes a range and gives its space back, as a discard.
func (l *Lab) guestZero(request *zeroRequest) (any, error) {
	return l.asGuest(request.which, request.Tracked, func(access *guest) error {
		if request.Offset < 0 || request.Length <= 0 || request.Offset+request.Length > access.disk.Capacity {
			return errOutside
		}
		access.note(request.Offset, request.Length)
		return access.Zero(request.Offset, request.Length)
	})
}

type readRequest struct {
	which
	Snapshot string `json:"snapshot"`
	Offset   int64  `json:"offset"`
	Length   int64  `json:"length"`
}

// readDisk returns bytes of the present disk, or as a snapshot froze them.
func (l *Lab) readDisk(request *readRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	disk, err := machine.disk(request.Disk)
	if err != nil {
		return nil, err
	}
	if request.Offset < 0 || request.Length <= 0 || request.Offset+request.Length > disk.Capacity {
		return nil, errOutside
	}
	content := make([]byte, request.Length)
	if request.Snapshot == "" {
		file, err := os.Open(disk.Flat)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		_, err = file.ReadAt(content, request.Offset)
		return map[string]string{"data_base64": base64.StdEncoding.EncodeToString(content)}, err
	}
	snapshot := l.snapshot(request.Snapshot)
	if snapshot == nil || snapshot.Disks[disk.Key] == nil {
		return nil, fmt.Errorf("no snapshot %q with that disk", request.Snapshot)
	}
	content, err = snapshot.Disks[disk.Key].ReadAt(request.Offset, request.Length)
	return map[string]string{"data_base64": base64.StdEncoding.EncodeToString(content)}, err
}
