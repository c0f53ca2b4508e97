// Package frozen keeps what a disk held when a snapshot was taken: old 64 KiB cells, saved before a guest write
// overwrites them. tests/simulators/README.md, "The folder of one lab", is the contract with whoever reads them.
package frozen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// CellBytes is the unit in which old content is saved.
const CellBytes = 64 << 10

// Store is the folder frozen/ of a lab.
type Store struct{ Folder string }

// Disk is one disk of one snapshot. A cell whose byte in Map is 1 lies in Cow, every other one still in Flat.
type Disk struct {
	Flat     string `json:"flat"`
	Cow      string `json:"cow"`
	Map      string `json:"map"`
	Capacity int64  `json:"capacity"`
}

// Freeze makes the files of one disk of a snapshot; nothing is copied.
func (s Store) Freeze(snapshot string, key int32, flat string, capacity int64) (*Disk, error) {
	folder := filepath.Join(s.Folder, snapshot)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	base := filepath.Join(folder, fmt.Sprint(key))
	disk := &Disk{Flat: flat, Cow: base + ".cow", Map: base + ".map", Capacity: capacity}
	cells := (capacity + CellBytes - 1) / CellBytes
	return disk, errors.Join(makeSparse(disk.Cow, cells*CellBytes), makeSparse(disk.Map, cells))
}

// Drop removes what is kept for a snapshot.
func (s Store) Drop(snapshot string) error { return os.RemoveAll(filepath.Join(s.Folder, snapshot)) }

func makeSparse(name string, size int64) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(size), file.Close())
}
