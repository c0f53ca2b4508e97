package tracking

// Extent is a range of bytes.
type Extent struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Page is one answer: it speaks for the bytes from the asked offset on, Length bytes long.
type Page struct {
	Length int64
	Areas  []Extent
}

// PageOf returns the changed areas from start on, at most limit of them. A full page ends where the next area begins.
func PageOf(changed *Bitmap, grain, capacity, start int64, limit int) Page {
	page := Page{Length: capacity - start}
	for run, found := changed.NextRun(start / grain); found; run, found = changed.NextRun(run.End) {
		first, end := max(run.First*grain, start), min(run.End*grain, capacity)
		if first >= end {
			break
		}
		if len(page.Areas) == limit {
			page.Length = first - start
			break
		}
		page.Areas = append(page.Areas, Extent{first, end - first})
	}
	return page
}

// Lie makes queries leave areas out, as a host with broken tracking does.
type Lie struct {
	DropEvery   int      `json:"drop_every,omitempty"`   // each n-th area of the whole answer
	DropExtents []Extent `json:"drop_extents,omitempty"` // every grain that touches one of these
	Queries     int      `json:"queries"`                // how many whole queries more are wrong; 0 = all
}

// Apply takes the dropped areas out of changed.
func (lie *Lie) Apply(changed *Bitmap, grain int64) {
	for _, extent := range lie.DropExtents {
		changed.Clear(extent.Offset/grain, (extent.Offset+extent.Length-1)/grain+1)
	}
	if lie.DropEvery > 0 {
		for index, run := range changed.Runs() {
			if (index+1)%lie.DropEvery == 0 {
				changed.Clear(run.First, run.End)
			}
		}
	}
}
