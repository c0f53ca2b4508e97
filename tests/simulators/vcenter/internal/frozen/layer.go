package frozen

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// layer is a frozen disk with its files open.
type layer struct {
	cow, cells *os.File
	capacity   int64
}

func openLayer(disk *Disk) (*layer, error) {
	cow, err := os.OpenFile(disk.Cow, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	cells, err := os.OpenFile(disk.Map, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, cow.Close())
	}
	return &layer{cow, cells, disk.Capacity}, nil
}

func (l *layer) close() error { return errors.Join(l.cow.Close(), l.cells.Close()) }

// save copies the cells that [offset, offset+length) touches and that are not saved yet: content first, then the byte.
func (l *layer) save(flat *os.File, offset, length int64) error {
	end := min(offset+length, l.capacity)
	if offset >= end {
		return nil
	}
	first, last := offset/CellBytes, (end-1)/CellBytes
	saved := make([]byte, last-first+1)
	if _, err := l.cells.ReadAt(saved, first); err != nil {
		return err
	}
	cell := make([]byte, CellBytes)
	for index, done := range saved {
		if done == 1 {
			continue
		}
		number := first + int64(index)
		if err := readCell(flat, cell, number); err != nil {
			return err
		}
		if err := l.keep(cell, number); err != nil {
			return err
		}
	}
	return nil
}

func (l *layer) keep(cell []byte, number int64) error {
	if !isZero(cell) { // a hole of .cow reads the same
		if _, err := l.cow.WriteAt(cell, number*CellBytes); err != nil {
			return err
		}
	}
	_, err := l.cells.WriteAt([]byte{1}, number)
	return err
}

// savedCells calls visit for each cell that .cow holds.
func (l *layer) savedCells(visit func(number int64) error) error {
	chunk := make([]byte, 1<<20)
	for base := int64(0); ; {
		count, err := l.cells.ReadAt(chunk, base)
		for index := range count {
			if chunk[index] == 1 {
				if err := visit(base + int64(index)); err != nil {
					return err
				}
			}
		}
		base += int64(count)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readCell fills cell with what file holds there; bytes after the file's end are zeros.
func readCell(file *os.File, cell []byte, number int64) error {
	count, err := file.ReadAt(cell, number*CellBytes)
	if errors.Is(err, io.EOF) {
		clear(cell[count:])
		return nil
	}
	return err
}

var zeroCell [CellBytes]byte

func isZero(content []byte) bool {
	for len(content) > CellBytes {
		if !bytes.Equal(content[:CellBytes], zeroCell[:]) {
			return false
		}
		content = content[CellBytes:]
	}
	return bytes.Equal(content, zeroCell[:len(content)])
}
