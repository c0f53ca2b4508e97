package tracking

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// readAll asks page after page, as a client must.
func readAll(t *testing.T, changed *Bitmap, capacity, step int64, limit int) (areas []Extent, pages int) {
	t.Helper()
	for start := int64(0); start < capacity; pages++ {
		page := PageOf(changed, step, capacity, start, limit)
		if page.Length <= 0 || start+page.Length > capacity || len(page.Areas) > limit {
			t.Fatalf("page at %d: %+v", start, page)
		}
		for _, area := range page.Areas {
			if area.Offset < start || area.Length <= 0 || area.Offset+area.Length > start+page.Length {
				t.Fatalf("area %+v outside its page at %d, %d long", area, start, page.Length)
			}
		}
		areas = append(areas, page.Areas...)
		start += page.Length
	}
	return areas, pages
}

func TestPagesTogetherCoverTheDiskAndHoldEveryChangedGrain(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		step, limit := int64(1<<random.IntN(4)*512), 1+random.IntN(5)
		capacity := 512 * (1 + random.Int64N(3000))
		changed := new(Bitmap)
		for range random.IntN(30) {
			first := random.Int64N(capacity/step + 1)
			changed.Set(first, min(first+1+random.Int64N(4), (capacity+step-1)/step))
		}
		areas, _ := readAll(t, changed, capacity, step, limit)
		var want []Extent
		for _, run := range changed.Runs() {
			want = append(want, Extent{run.First * step, min(run.End*step, capacity) - run.First*step})
		}
		if !slices.Equal(areas, want) {
			t.Fatalf("%v, want %v", areas, want)
		}
	}
}

func TestAFullPageEndsWhereTheNextAreaBegins(t *testing.T) {
	changed := new(Bitmap)
	for number := int64(0); number < 9; number += 2 {
		changed.Set(number, number+1)
	}
	areas, pages := readAll(t, changed, 10*512, 512, 2)
	if len(areas) != 5 || pages != 3 {
		t.Errorf("%d areas on %d pages", len(areas), pages)
	}
}

func TestAPageThatStartsWithinAnAreaBeginsThere(t *testing.T) {
	changed := new(Bitmap)
	changed.Set(0, 4)
	page := PageOf(changed, 512, 4096, 700, 10)
	if want := []Extent{{700, 2048 - 700}}; !slices.Equal(page.Areas, want) || page.Length != 4096-700 {
		t.Errorf("%+v", page)
	}
}

func TestALieLeavesAreasOut(t *testing.T) {
	changed := new(Bitmap)
	for number := int64(0); number < 12; number += 2 {
		changed.Set(number, number+1)
	}
	lie := &Lie{DropEvery: 3, DropExtents: []Extent{{2*512 + 511, 1}}}
	lie.Apply(changed, 512)
	if want := []Run{{0, 1}, {4, 5}, {8, 9}, {10, 11}}; !slices.Equal(changed.Runs(), want) {
		t.Errorf("%v, want %v", changed.Runs(), want)
	}
}
