// Package sparse moves the content of disk files without reading or filling their holes.
package sparse

import (
	"errors"
	"io"
	"os"
	"syscall"
)

const (
	seekData = 3 // SEEK_DATA of lseek(2)
	seekHole = 4 // SEEK_HOLE of lseek(2)
)

// DataRanges calls visit, in ascending order, for each range of file before end that is not a hole.
func DataRanges(file *os.File, end int64, visit func(offset, length int64) error) error {
	for offset := int64(0); offset < end; {
		start, err := file.Seek(offset, seekData)
		if errors.Is(err, syscall.ENXIO) || start >= end && err == nil {
			return nil
		}
		if err != nil {
			return err
		}
		hole, err := file.Seek(start, seekHole)
		if err != nil {
			return err
		}
		if err := visit(start, min(hole, end)-start); err != nil {
			return err
		}
		offset = hole
	}
	return nil
}

// NextData returns the first byte at or after offset that lies in no hole of any of the files, or end.
func NextData(offset, end int64, files ...*os.File) (int64, error) {
	nearest := end
	for _, file := range files {
		start, err := file.Seek(offset, seekData)
		if errors.Is(err, syscall.ENXIO) {
			continue
		}
		if err != nil {
			return 0, err
		}
		nearest = min(nearest, start)
	}
	return nearest, nil
}

// AllocatedBytes tells how much of the disk a file really takes; a missing file takes nothing.
func AllocatedBytes(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}

// PunchHole makes a range of the file read as zeros and gives its space back.
func PunchHole(file *os.File, offset, length int64) error {
	const keepSize, punchHole = 0x1, 0x2 // FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE
	err := syscall.Fallocate(int(file.Fd()), keepSize|punchHole, offset, length)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		_, err = io.CopyN(io.NewOffsetWriter(file, offset), zeros{}, length)
	}
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
