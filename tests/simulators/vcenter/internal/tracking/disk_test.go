package tracking

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const grain = 64 << 10

func started() *Disk {
	disk := new(Disk)
	disk.Start(false)
	return disk
}

func changedRuns(t *testing.T, disk *Disk, from, until ChangeID) []Run {
	t.Helper()
	changed, err := disk.ChangedBetween(from, until)
	if err != nil {
		t.Fatal(err)
	}
	return changed.Runs()
}

func TestChangesBetweenTwoSnapshotsAreTheWritesBetweenThem(t *testing.T) {
	disk := started()
	disk.Record(0, 1, grain)
	first := disk.TakeSnapshot()
	disk.Record(3*grain-1, 2, grain)
	second := disk.TakeSnapshot()
	disk.Record(9*grain, grain, grain)
	third := disk.TakeSnapshot()

	if got := changedRuns(t, disk, first, second); !slices.Equal(got, []Run{{2, 4}}) {
		t.Errorf("first to second: %v", got)
	}
	if got := changedRuns(t, disk, first, third); !slices.Equal(got, []Run{{2, 4}, {9, 10}}) {
		t.Errorf("first to third: %v", got)
	}
	if got := changedRuns(t, disk, third, third); got != nil {
		t.Errorf("nothing happened after the third: %v", got)
	}
}

func TestAnotherEpochOrALaterChangeIDIsRefused(t *testing.T) {
	disk := started()
	old := disk.TakeSnapshot()
	disk.Start(false)
	first := disk.TakeSnapshot()
	second := disk.TakeSnapshot()
	for name, ids := range map[string][2]ChangeID{
		"old epoch": {old, second}, "later": {second, first}, "tracking was off": {first, {}},
	} {
		if _, err := disk.ChangedBetween(ids[0], ids[1]); !errors.Is(err, ErrOtherEpoch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingIsRecordedWhileTrackingIsOff(t *testing.T) {
	disk := new(Disk)
	disk.Record(0, grain, grain)
	if id := disk.TakeSnapshot(); id.String() != "" || len(disk.Changed) != 0 {
		t.Errorf("change ID %q, %d intervals", id, len(disk.Changed))
	}
}

func TestRevertRepeatsChangeIDsForOtherContent(t *testing.T) {
	disk := started()
	base := disk.TakeSnapshot()
	disk.Record(5*grain, grain, grain)
	lost := disk.TakeSnapshot()
	disk.Revert(base)
	disk.Record(7*grain, grain, grain)
	again := disk.TakeSnapshot()

	if again != lost {
		t.Fatalf("after the revert %v, before it %v", again, lost)
	}
	if got := changedRuns(t, disk, base, again); !slices.Equal(got, []Run{{7, 8}}) {
		t.Errorf("since the base: %v", got)
	}
	if got := changedRuns(t, disk, lost, again); got != nil {
		t.Errorf("the trap: asked from the lost moment, the answer is %v", got)
	}
}

func TestRevertToAnUntrackedSnapshotEndsTheEpoch(t *testing.T) {
	disk := started()
	disk.Revert(ChangeID{})
	if disk.Active() {
		t.Error("still tracking")
	}
}

func TestLateTrackingMissesChanges(t *testing.T) {
	disk := new(Disk)
	disk.Start(true)
	from := disk.ChangeID
	disk.Record(0, 6*grain, grain)
	until := disk.TakeSnapshot()
	if got := changedRuns(t, disk, from, until); !slices.Equal(got, []Run{{0, 1}, {2, 3}, {4, 5}}) {
		t.Errorf("%v", got)
	}
}

func TestGranularityGrowsWithTheDisk(t *testing.T) {
	for capacity, want := range map[int64]int64{
		1 << 30: 64 << 10, 2 << 40: 64 << 10, 2<<40 + 512: 128 << 10, 4 << 40: 128 << 10, 62 << 40: 2 << 20,
	} {
		if got := Granularity(capacity); got != want {
			t.Errorf("%d: %d, want %d", capacity, got, want)
		}
	}
}

func TestChangeIDHasTheFormOfVSphere(t *testing.T) {
	id := ChangeID{NewEpoch(), 7}
	text := id.String()
	if len(text) != 47+2 || !strings.HasPrefix(text, "52 ") || text[23] != '-' || !strings.HasSuffix(text, "/7") {
		t.Errorf("%q", text)
	}
	if parsed, valid := ParseChangeID(text); !valid || parsed != id {
		t.Errorf("%v %v", parsed, valid)
	}
	for _, bad := range []string{"", "*", "52 aa", "52 aa/", "/3", "52 aa/-1", "52 aa/x"} {
		if _, valid := ParseChangeID(bad); valid {
			t.Errorf("%q is taken for a change ID", bad)
		}
	}
}
