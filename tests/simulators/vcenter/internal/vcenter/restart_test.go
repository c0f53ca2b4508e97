package vcenter

import (
	"reflect"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func TestMachinesSnapshotsTrackingAndLocksSurviveARestart(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("db")
	base := l.snap("db")
	since := l.disk(base, 32000).ChangeId
	l.unsnap(base)
	l.do("write", `{"machine": "db", "offset": 131072, "seed": 3, "length": 100}`, nil)
	kept := l.snap("db")
	l.do("write", `{"machine": "db", "offset": 0, "seed": 4, "length": 100000}`, nil)
	l.do("hold", `{"machine": "db"}`, nil)
	want := l.changes("db", &kept, 32000, since, 8<<20)
	moref, uuid := l.virtual("db").Reference(), l.disk(kept, 32000).Uuid
	l.close()

	l = open(t, l.folder)
	if l.virtual("db").Reference() != moref || l.disk(kept, 32000).Uuid != uuid {
		t.Error("other morefs")
	}
	if got := l.changes("db", &kept, 32000, since, 8<<20); !reflect.DeepEqual(got, want) || len(got) != 1 {
		t.Errorf("changes %+v, before %+v", got, want)
	}
	var shown mo.VirtualMachine
	if err := l.client.RetrieveOne(l.context, moref, []string{"disabledMethod", "snapshot"}, &shown); err != nil {
		t.Fatal(err)
	}
	if len(shown.DisabledMethod) != 1 || *shown.Snapshot.CurrentSnapshot != kept {
		t.Errorf("%v %v", shown.DisabledMethod, shown.Snapshot)
	}
	if next := l.snap("db"); next == base || next == kept {
		t.Errorf("moref %s is given out again", next.Value)
	}
}

func TestMachinesAreInTheirFoldersAfterARestart(t *testing.T) {
	l := start(t, `{"user": "backup@lab", "password": "secret", "machines": [{"name": "web", "folder": "Production/Web"}]}`)
	before := l.folders
	l.close()
	l = open(t, l.folder)
	if after := l.folders; len(before) != 2 || !reflect.DeepEqual(after, before) {
		t.Errorf("%v, before %v", after, before)
	}
	var machine mo.VirtualMachine
	if err := l.client.RetrieveOne(l.context, l.virtual("web").Reference(), []string{"parent"}, &machine); err != nil {
		t.Fatal(err)
	}
	if *machine.Parent != before[1].Ref {
		t.Errorf("in %v", machine.Parent)
	}
}

func TestEventsSurviveARestartAndTheirKeysGoOn(t *testing.T) {
	l := start(t, twoMachines)
	l.do("event", `{"type": "com.example.before", "machine": "web", "message": "before"}`, nil)
	l.close()
	l = open(t, l.folder)
	var posted struct{ Key int32 }
	l.do("event", `{"type": "com.example.after", "message": "after"}`, &posted)
	answer, err := methods.QueryEvents(l.context, l.client, &types.QueryEvents{
		This: *l.client.ServiceContent.EventManager, Filter: types.EventFilterSpec{},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int32{}
	for _, event := range answer.Returnval {
		if extended, ok := event.(*types.EventEx); ok {
			found[extended.EventTypeId] = extended.Key
		}
	}
	if found["com.example.before"] == 0 || found["com.example.after"] != posted.Key || found["com.example.before"] >= posted.Key {
		t.Errorf("%v, posted %d", found, posted.Key)
	}
}

func TestSessionsEndAfterTheIdleTimeAndWhenTerminated(t *testing.T) {
	l := start(t, `{"user": "backup@lab", "password": "secret", "session_timeout_seconds": 0.3, "machines": []}`)
	ask := func() error {
		_, err := methods.GetCurrentTime(l.context, l.client)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(l.sessions()) > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	if err := ask(); !isFault[*types.NotAuthenticated](err) {
		t.Errorf("after the idle time: %v", err)
	}
	client, err := l.login("backup@lab", "secret")
	if err != nil {
		t.Fatal(err)
	}
	l.client = client
	l.do("terminate_sessions", "", nil)
	if err := ask(); !isFault[*types.NotAuthenticated](err) {
		t.Errorf("after the termination: %v", err)
	}
}
