package tracking

import "errors"

// ErrOtherEpoch says that a change ID is not one of this disk's present epoch, or lies after the snapshot.
var ErrOtherEpoch = errors.New("the change ID does not belong to this epoch")

// Granularity is the size in bytes of one tracked grain of a disk with that capacity: 64 KiB up to 2 TiB, then doubled
// with each doubling of the disk, 2 MiB at 64 TiB.
func Granularity(capacity int64) int64 {
	const smallest, limit = 64 << 10, 2 << 40
	grain := int64(smallest)
	for size := int64(limit); size < capacity; size *= 2 {
		grain *= 2
	}
	return grain
}

// Disk is what tracking knows of one disk. Its zero value does not track.
type Disk struct {
	ChangeID                 // of the newest snapshot; Epoch is empty while tracking is off
	Changed  map[int]*Bitmap `json:"changed,omitempty"` // by the sequence of the snapshot that closed the interval
	Late     bool            `json:"late,omitempty"`    // enabled while snapshots existed: odd grains go unseen
	Corrupt  int             `json:"corrupt,omitempty"` // this many queries fail as with a damaged tracking file
	Lie      *Lie            `json:"lie,omitempty"`
}

// Active tells whether writes are recorded.
func (d *Disk) Active() bool { return d.Epoch != "" }

// Start begins a new epoch; late says that the machine has snapshots, which makes the record incomplete.
func (d *Disk) Start(late bool) {
	*d = Disk{ChangeID: ChangeID{Epoch: NewEpoch()}, Late: late, Lie: d.Lie}
}

// Stop ends the epoch.
func (d *Disk) Stop() { *d = Disk{Lie: d.Lie} }

// Record marks a write of length bytes at offset.
func (d *Disk) Record(offset, length, grain int64) {
	if !d.Active() || length <= 0 {
		return
	}
	if d.Changed == nil {
		d.Changed = map[int]*Bitmap{}
	}
	open := d.Changed[d.Sequence+1]
	if open == nil {
		open = new(Bitmap)
		d.Changed[d.Sequence+1] = open
	}
	first, end := offset/grain, (offset+length-1)/grain+1
	if !d.Late {
		open.Set(first, end)
		return
	}
	for number := first + first%2; number < end; number += 2 {
		open.Set(number, number+1)
	}
}

// TakeSnapshot closes the present interval and returns its change ID, empty while tracking is off.
func (d *Disk) TakeSnapshot() ChangeID {
	if d.Active() {
		d.Sequence++
	}
	return d.ChangeID
}

// Revert goes back to the moment of a snapshot: the sequence is counted on from there, in the same epoch, so that later
// change IDs repeat although the content differs. vSphere does the same.
func (d *Disk) Revert(to ChangeID) {
	if to.Epoch == "" {
		d.Stop()
		return
	}
	if to.Epoch != d.Epoch {
		*d = Disk{ChangeID: to, Lie: d.Lie}
		return
	}
	d.Sequence = to.Sequence
	for sequence := range d.Changed {
		if sequence > to.Sequence {
			delete(d.Changed, sequence)
		}
	}
}

// ChangedBetween returns the grains written after from and before the snapshot until.
func (d *Disk) ChangedBetween(from, until ChangeID) (*Bitmap, error) {
	if until.Epoch == "" || until.Epoch != d.Epoch || from.Epoch != until.Epoch || from.Sequence > until.Sequence {
		return nil, ErrOtherEpoch
	}
	changed := new(Bitmap)
	for sequence := from.Sequence + 1; sequence <= until.Sequence; sequence++ {
		changed.Add(d.Changed[sequence])
	}
	return changed, nil
}
