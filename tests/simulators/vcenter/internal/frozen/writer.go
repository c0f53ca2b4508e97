package frozen

import (
	"errors"
	"os"

	"keepline.org/simulators/vcenter/internal/sparse"
)

// Writer changes a disk's present content and first saves, for every open snapshot, what it overwrites. Use one at a
// time for a disk.
type Writer struct {
	flat   *os.File
	layers []*layer
}

// OpenWriter opens the disk file flat and the frozen disks that share it.
func OpenWriter(flat string, frozen []*Disk) (*Writer, error) {
	file, err := os.OpenFile(flat, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	writer := &Writer{flat: file}
	for _, disk := range frozen {
		layer, err := openLayer(disk)
		if err != nil {
			return nil, errors.Join(err, writer.Close())
		}
		writer.layers = append(writer.layers, layer)
	}
	return writer, nil
}

// Close gives the files back.
func (w *Writer) Close() error {
	err := w.flat.Close()
	for _, layer := range w.layers {
		err = errors.Join(err, layer.close())
	}
	return err
}

// WriteAt writes content at offset.
func (w *Writer) WriteAt(content []byte, offset int64) (int, error) {
	if err := w.save(offset, int64(len(content))); err != nil {
		return 0, err
	}
	return w.flat.WriteAt(content, offset)
}

// Zero makes a range read as zeros.
func (w *Writer) Zero(offset, length int64) error {
	if err := w.save(offset, length); err != nil {
		return err
	}
	return sparse.PunchHole(w.flat, offset, length)
}

func (w *Writer) save(offset, length int64) error {
	for _, layer := range w.layers {
		if err := layer.save(w.flat, offset, length); err != nil {
			return err
		}
	}
	return nil
}

// Restore brings back what the disk held when disk was frozen, cell by cell.
func (w *Writer) Restore(disk *Disk) error {
	source, err := openLayer(disk)
	if err != nil {
		return err
	}
	defer source.close()
	cell := make([]byte, CellBytes)
	return source.savedCells(func(number int64) error {
		offset := number * CellBytes
		length := min(CellBytes, disk.Capacity-offset)
		if err := readCell(source.cow, cell, number); err != nil {
			return err
		}
		if isZero(cell[:length]) {
			return w.Zero(offset, length)
		}
		_, err := w.WriteAt(cell[:length], offset)
		return err
	})
}
