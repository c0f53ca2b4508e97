package frozen

import (
	"errors"
	"os"
)

// ReadAt returns length bytes at offset as they were when the disk was frozen: first from the disk file, then, by the
// map read after it, from the saved cells.
func (d *Disk) ReadAt(offset, length int64) ([]byte, error) {
	flat, err := os.Open(d.Flat)
	if err != nil {
		return nil, err
	}
	defer flat.Close()
	source, err := openLayer(d)
	if err != nil {
		return nil, err
	}
	defer source.close()
	content := make([]byte, length)
	if err := readFull(flat, content, offset); err != nil {
		return nil, err
	}
	first, last := offset/CellBytes, (offset+length-1)/CellBytes
	saved := make([]byte, last-first+1)
	if _, err := source.cells.ReadAt(saved, first); err != nil {
		return nil, err
	}
	for index, done := range saved {
		if done == 1 {
			start := max(offset, (first+int64(index))*CellBytes)
			end := min(offset+length, (first+int64(index)+1)*CellBytes)
			err = errors.Join(err, readFull(source.cow, content[start-offset:end-offset], start))
		}
	}
	return content, err
}

// SavedRanges calls visit for the cells whose old content is kept.
func (d *Disk) SavedRanges(visit func(offset, length int64) error) error {
	source, err := openLayer(d)
	if err != nil {
		return err
	}
	defer source.close()
	return source.savedCells(func(number int64) error {
		return visit(number*CellBytes, min(CellBytes, d.Capacity-number*CellBytes))
	})
}
