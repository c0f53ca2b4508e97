package tracking

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is the same set as a plain map.
type model map[int64]bool

func randomSet(random *rand.Rand) (*Bitmap, model) {
	bitmap, set := new(Bitmap), model{}
	for range random.IntN(12) {
		first := random.Int64N(300)
		end := first + random.Int64N(90)
		if random.IntN(3) > 0 {
			bitmap.Set(first, end)
			for grain := first; grain < end; grain++ {
				set[grain] = true
			}
		} else {
			bitmap.Clear(first, end)
			for grain := first; grain < end; grain++ {
				delete(set, grain)
			}
		}
	}
	return bitmap, set
}

func TestBitmapHoldsWhatAMapOfGrainsHolds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		bitmap, set := randomSet(random)
		for grain := range int64(500) {
			if bitmap.Has(grain) != set[grain] {
				t.Fatalf("grain %d: %v, want %v", grain, bitmap.Has(grain), set[grain])
			}
		}
	}
}

func TestRunsAreMaximalAscendingAndComplete(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		bitmap, set := randomSet(random)
		covered, last := 0, int64(-1)
		for _, run := range bitmap.Runs() {
			if run.First <= last || run.End <= run.First {
				t.Fatalf("run %v after %d", run, last)
			}
			for grain := run.First; grain < run.End; grain++ {
				if !set[grain] {
					t.Fatalf("grain %d is in a run but not in the set", grain)
				}
				covered++
			}
			last = run.End
		}
		if covered != len(set) {
			t.Fatalf("runs cover %d of %d grains", covered, len(set))
		}
	}
}

func TestUnionHoldsTheGrainsOfBoth(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		left, leftSet := randomSet(random)
		right, rightSet := randomSet(random)
		left.Add(right)
		for grain := range int64(500) {
			if left.Has(grain) != (leftSet[grain] || rightSet[grain]) {
				t.Fatalf("grain %d", grain)
			}
		}
	}
}

func TestBitmapSurvivesJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		bitmap, _ := randomSet(random)
		text, err := json.Marshal(bitmap)
		if err != nil {
			t.Fatal(err)
		}
		read := new(Bitmap)
		if err := json.Unmarshal(text, read); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(read.Runs(), bitmap.Runs()) {
			t.Fatalf("%s became %v", text, read.Runs())
		}
	}
}
