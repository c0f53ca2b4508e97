package vcenter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func TestConnectChecksWhatTheClientPassed(t *testing.T) {
	l := start(t, twoMachines)
	host, port, _ := strings.Cut(l.address, ":")
	moref := "vmx moref=" + l.virtual("web").Reference().Value
	for _, wrong := range []struct {
		code  int
		lines []string
	}{
		{codeCannotConnect, []string{"server 192.0.2.1", "port " + port, "user backup@lab", "password secret", moref}},
		{codeCannotConnect, []string{"server " + host, "port 0", "user backup@lab", "password secret", moref}},
		{codeWrongLogin, []string{"server " + host, "port " + port, "user backup@lab", "password guess", moref}},
		{codeDeadSession, []string{"server " + host, "port " + port, "cookie 12345", moref}},
		{codeNoMachine, []string{"server " + host, "port " + port, "user backup@lab", "password secret", "vmx moref=vm-1"}},
		{codeNoMachine, []string{"server " + host, "port " + port, "user backup@lab", "password secret", "vmx [ds] web/web.vmx"}},
		{codeNoSnapshot, []string{"server " + host, "port " + port, "user backup@lab", "password secret", moref, "snapshot snapshot-1"}},
	} {
		if _, err := l.ask(&gateCaller{lab: l.Lab}, "connect", wrong.lines...); refusalCode(err) != wrong.code {
			t.Errorf("%v: %v", wrong.lines, err)
		}
	}
}

func TestOpenGivesTheFrozenFilesOfADiskOfTheSnapshotOnly(t *testing.T) {
	l := start(t, twoMachines)
	snapshot := l.snap("web")
	path := "path " + l.disk(snapshot, 2000).FileName
	caller := l.connected("web", snapshot.Value)
	answer, err := l.ask(caller, "open", path, "flags 4", "mode nbdssl")
	if err != nil || answer["capacity"] != "16777216" || !strings.HasSuffix(answer["map"], "2000.map") || answer["links"] != "1" {
		t.Errorf("%v %v", answer, err)
	}
	if again, err := l.ask(caller, "info", "handle "+answer["handle"]); err != nil || again["flat"] != answer["flat"] {
		t.Errorf("%v %v", again, err)
	}
	for name, lines := range map[string][]string{
		"independent": {"path " + l.disk(snapshot, 2001).FileName, "flags 4", "mode nbd"},
		"other disk":  {"path [datastore1] db/db.vmdk", "flags 4", "mode nbd"},
		"writing":     {path, "flags 0", "mode nbd"},
	} {
		if _, err := l.ask(caller, "open", lines...); refusalCode(err) != codeAccess {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.ask(l.connected("web", ""), "open", path, "flags 4", "mode nbd"); refusalCode(err) != codeAccess {
		t.Errorf("a running machine without snapshot: %v", err)
	}
	wrong := l.connected("web", snapshot.Value, "thumbprint AA:BB")
	if _, err := l.ask(wrong, "open", path, "flags 4", "mode nbd"); refusalCode(err) != codeFail {
		t.Errorf("wrong thumbprint: %v", err)
	}
}

func TestAWriterHasTheDiskAlone(t *testing.T) {
	l := start(t, twoMachines)
	open := []string{"path [datastore1] db/db.vmdk", "mode nbd"}
	writer := l.connected("db", "")
	if _, err := l.ask(writer, "open", append(open, "flags 0")...); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ask(l.connected("db", ""), "open", append(open, "flags 4")...); refusalCode(err) != codeLocked {
		t.Errorf("a reader beside the writer: %v", err)
	}
	writer.Gone()
	if _, err := l.ask(l.connected("db", ""), "open", append(open, "flags 4")...); err != nil {
		t.Errorf("after the writer has died: %v", err)
	}
}

func TestAHostHasMemoryForSoManyNetworkHandles(t *testing.T) {
	l := start(t, strings.Replace(twoMachines, `{"user"`, `{"nfc_handles_per_host": 2, "user"`, 1))
	snapshot := l.snap("web")
	caller := l.connected("web", snapshot.Value)
	open := []string{"path " + l.disk(snapshot, 2000).FileName, "flags 4"}
	for number, want := range []int{0, 0, codeNoMemory} {
		if _, err := l.ask(caller, "open", append(open, "mode nbdssl")...); refusalCode(err) != want {
			t.Errorf("handle %d: %v", number+1, err)
		}
	}
	if _, err := l.ask(caller, "open", append(open, "mode hotadd")...); err != nil {
		t.Errorf("hot-add needs none of it: %v", err)
	}
}

func TestAHotAddedDiskOfADeadClientLocksItsSnapshotUntilCleanup(t *testing.T) {
	l := start(t, twoMachines)
	snapshot := l.snap("web")
	caller := l.connected("web", snapshot.Value, "client /tmp/one")
	if _, err := l.ask(caller, "open", "path "+l.disk(snapshot, 2000).FileName, "flags 4", "mode hotadd"); err != nil {
		t.Fatal(err)
	}
	caller.Gone()
	answer, err := methods.RemoveSnapshot_Task(l.context, l.client, &types.RemoveSnapshot_Task{This: snapshot})
	if err != nil {
		t.Fatal(err)
	}
	if err := object.NewTask(l.client.Client, answer.Returnval).Wait(l.context); !isFault[*types.FileLocked](err) {
		t.Errorf("%v", err)
	}
	for _, clean := range []struct{ client, cleaned, remaining string }{{"/tmp/two", "0", "1"}, {"/tmp/one", "1", "0"}} {
		got, err := l.ask(l.connected("web", ""), "cleanup", "client "+clean.client)
		if err != nil || got["cleaned"] != clean.cleaned || got["remaining"] != clean.remaining {
			t.Errorf("%+v: %v %v", clean, got, err)
		}
	}
	l.unsnap(snapshot)
}

func TestTheLibraryIsGivenItsFaults(t *testing.T) {
	l := start(t, twoMachines)
	l.do("vddk_fault", `{"line": "VixDiskLib_Read nth=5 action=kill"}`, nil)
	l.do("vddk_fault", `{"line": "VixDiskLib_Open action=error:13"}`, nil)
	got, err := l.ask(&gateCaller{lab: l.Lab}, "faults")
	if err != nil || fmt.Sprint(got) != "map[fault.1:VixDiskLib_Read nth=5 action=kill fault.2:VixDiskLib_Open action=error:13]" {
		t.Errorf("%v %v", got, err)
	}
}
