// Package tracking is changed block tracking as a model of its own: epochs, sequences, changed grains and pages of
// changed areas. It knows neither files nor the API.
package tracking

import (
	"encoding/json"
	"math/bits"
)

// Bitmap is a set of grain numbers that grows as needed; its zero value is empty.
type Bitmap struct{ words []uint64 }

// Set adds the grains first, first+1, … end-1.
func (b *Bitmap) Set(first, end int64) {
	if end <= first {
		return
	}
	if missing := int((end+63)/64) - len(b.words); missing > 0 {
		b.words = append(b.words, make([]uint64, missing)...)
	}
	b.eachWord(first, end, func(word *uint64, mask uint64) { *word |= mask })
}

// Clear removes the grains first, first+1, … end-1.
func (b *Bitmap) Clear(first, end int64) {
	end = min(end, int64(len(b.words))*64)
	if first < end {
		b.eachWord(first, end, func(word *uint64, mask uint64) { *word &^= mask })
	}
}

func (b *Bitmap) eachWord(first, end int64, change func(word *uint64, mask uint64)) {
	for index := first / 64; index <= (end-1)/64; index++ {
		mask := ^uint64(0)
		if low := first - index*64; low > 0 {
			mask &= ^uint64(0) << uint(low)
		}
		if high := end - index*64; high < 64 {
			mask &= 1<<uint(high) - 1
		}
		change(&b.words[index], mask)
	}
}

// Has tells whether the set holds grain.
func (b *Bitmap) Has(grain int64) bool {
	return b != nil && grain/64 < int64(len(b.words)) && b.words[grain/64]>>uint(grain%64)&1 == 1
}

// Add adds every grain of other.
func (b *Bitmap) Add(other *Bitmap) {
	if other == nil {
		return
	}
	if missing := len(other.words) - len(b.words); missing > 0 {
		b.words = append(b.words, make([]uint64, missing)...)
	}
	for index, word := range other.words {
		b.words[index] |= word
	}
}

// Run is the grains First … End-1.
type Run struct{ First, End int64 }

// NextRun returns the first maximal run at or after from; false when there is none.
func (b *Bitmap) NextRun(from int64) (Run, bool) {
	first, found := b.next(from, func(word uint64) uint64 { return word })
	if !found {
		return Run{}, false
	}
	end, found := b.next(first, func(word uint64) uint64 { return ^word })
	if !found {
		end = int64(len(b.words)) * 64
	}
	return Run{first, end}, true
}

func (b *Bitmap) next(from int64, view func(uint64) uint64) (int64, bool) {
	for index := from / 64; index < int64(len(b.words)); index++ {
		word := view(b.words[index])
		if low := from - index*64; low > 0 {
			word &= ^uint64(0) << uint(low)
		}
		if word != 0 {
			return index*64 + int64(bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// Runs lists the maximal runs in ascending order.
func (b *Bitmap) Runs() []Run {
	var runs []Run
	for run, found := b.NextRun(0); found; run, found = b.NextRun(run.End) {
		runs = append(runs, run)
	}
	return runs
}

// MarshalJSON writes the runs as [[first, length], …].
func (b *Bitmap) MarshalJSON() ([]byte, error) {
	pairs := [][2]int64{}
	for _, run := range b.Runs() {
		pairs = append(pairs, [2]int64{run.First, run.End - run.First})
	}
	return json.Marshal(pairs)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Bitmap) UnmarshalJSON(text []byte) error {
	var pairs [][2]int64
	if err := json.Unmarshal(text, &pairs); err != nil {
		return err
	}
	b.words = nil
	for _, pair := range pairs {
		b.Set(pair[0], pair[0]+pair[1])
	}
	return nil
}
