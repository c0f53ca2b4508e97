package vcenter

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// faultOf returns the fault that a call answered with, as a pointer.
func faultOf(err error) types.AnyType {
	if !soap.IsSoapFault(err) {
		return nil
	}
	value := reflect.ValueOf(soap.ToSoapFault(err).VimFault())
	if value.Kind() == reflect.Pointer {
		return value.Interface()
	}
	pointer := reflect.New(value.Type())
	pointer.Elem().Set(value)
	return pointer.Interface()
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	l := start(t, twoMachines)
	if _, err := l.login("backup@lab", "guess"); !isFault[*types.InvalidLogin](err) {
		t.Errorf("%v", err)
	}
}

func TestTrackingOfARunningMachineStartsWithTheFirstStun(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("web")
	first := l.snap("web")
	if id := l.disk(first, 2000).ChangeId; id != "" {
		t.Errorf("the snapshot that starts tracking has the change ID %q", id)
	}
	if _, err := l.page("web", &first, 2000, 0, "*"); !isFault[*types.FileFault](err) {
		t.Errorf("a query before tracking: %v", err)
	}
	l.unsnap(first)
	second := l.snap("web")
	if l.disk(second, 2000).ChangeId == "" || l.disk(second, 2001).ChangeId != "" {
		t.Error("the captured disk needs a change ID, the independent one has none")
	}
}

func TestTrackingOfAMachineThatIsOffStartsAtOnce(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("db")
	if snapshot := l.snap("db"); l.disk(snapshot, 32000).ChangeId == "" {
		t.Error("no change ID")
	}
}

func TestChangedAreasArePagedAndOnlyWhatWasWritten(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("db")
	base := l.snap("db")
	since := l.disk(base, 32000).ChangeId
	l.unsnap(base)
	for _, offset := range []int{100, 65536 + 9, 5 << 16, 9<<16 + 512, 40 << 16, 8388000} {
		l.do("write", fmt.Sprintf(`{"machine": "db", "offset": %d, "seed": 1, "length": 7}`, offset), nil)
	}
	var want []types.DiskChangeExtent
	for _, run := range [][2]int64{{0, 2}, {5, 1}, {9, 1}, {40, 1}, {127, 1}} { // neighbours are one area
		want = append(want, types.DiskChangeExtent{Start: run[0] << 16, Length: run[1] << 16})
	}
	now := l.snap("db")
	if got := l.changes("db", &now, 32000, since, 8<<20); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, wrong := range []struct {
		key   int32
		start int64
	}{{32000, 8 << 20}, {32000, -1}, {2000, 0}} {
		if _, err := l.page("db", &now, wrong.key, wrong.start, since); !isFault[*types.InvalidArgument](err) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if _, err := l.page("db", &base, 32000, 0, since); !isFault[*types.ManagedObjectNotFound](err) {
		t.Errorf("a snapshot that is gone: %v", err)
	}
}

func TestWithoutASnapshotOnlyAMachineThatIsOffIsQueried(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("db")
	base := l.snap("db")
	since := l.disk(base, 32000).ChangeId
	l.unsnap(base)
	l.do("write", `{"machine": "db", "offset": 65536, "seed": 1, "length": 7}`, nil)
	want := []types.DiskChangeExtent{{Start: 65536, Length: 65536}}
	if got := l.changes("db", nil, 32000, since, 8<<20); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if _, err := l.page("web", nil, 2000, 0, since); !isFault[*types.InvalidArgument](err) {
		t.Errorf("a running machine: %v", err)
	}
}

func TestRevertBringsContentDevicesAndChangeIDBack(t *testing.T) {
	l := start(t, twoMachines)
	l.enableTracking("db")
	l.do("write", `{"machine": "db", "offset": 1000, "seed": 1, "length": 200000}`, nil)
	base := l.snap("db")
	var before, after map[string]string
	read := `{"machine": "db", "offset": 0, "length": 300000}`
	l.do("read", read, &before)
	l.do("write", `{"machine": "db", "offset": 100000, "seed": 2, "length": 90000}`, nil)
	later := l.snap("db")
	l.unsnap(later)
	l.do("revert", `{"machine": "db", "snapshot": "`+base.Value+`"}`, nil)
	l.do("read", read, &after)
	if before["data_base64"] != after["data_base64"] {
		t.Error("the content is not what it was")
	}
	again := l.snap("db")
	disk := l.disk(again, 32000)
	if got := l.changes("db", &again, 32000, l.disk(base, 32000).ChangeId, 8<<20); got != nil {
		t.Errorf("changes since the base after a revert: %+v", got)
	}
	if disk.Parent == nil || disk.Parent.FileName != "[datastore1] db/db.vmdk" {
		t.Errorf("chain: %+v", disk)
	}
}

func TestTheRunningDiskIsADeltaOnlyWhileThereAreSnapshots(t *testing.T) {
	l := start(t, twoMachines)
	running := func() string {
		var shown mo.VirtualMachine
		if err := l.client.RetrieveOne(l.context, l.virtual("web").Reference(), []string{"config.hardware.device"}, &shown); err != nil {
			t.Fatal(err)
		}
		return diskDevices(shown.Config.Hardware.Device)[0].Backing.(*types.VirtualDiskFlatVer2BackingInfo).FileName
	}
	first, second := l.snap("web"), types.ManagedObjectReference{}
	if name := l.disk(first, 2000).FileName; name != "[datastore1] web/web.vmdk" {
		t.Errorf("snapshot: %s", name)
	}
	second = l.snap("web")
	if running() != "[datastore1] web/web-000002.vmdk" || l.disk(second, 2000).FileName != "[datastore1] web/web-000001.vmdk" {
		t.Errorf("running %s, second %s", running(), l.disk(second, 2000).FileName)
	}
	l.unsnap(first)
	if name := l.disk(second, 2000).FileName; name != "[datastore1] web/web.vmdk" {
		t.Errorf("the second takes over the base: %s", name)
	}
	l.unsnap(second)
	if running() != "[datastore1] web/web.vmdk" {
		t.Errorf("running %s", running())
	}
}

func TestAHeldMachineIsNotRelocated(t *testing.T) {
	l := start(t, twoMachines)
	caller := l.connected("web", "")
	if _, err := l.ask(caller, "prepare", "identity keepline"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ask(l.connected("web", ""), "prepare", "identity other"); refusalCode(err) != codeHeld {
		t.Errorf("a second holder: %v", err)
	}
	relocate := func() error {
		task, err := l.virtual("web").Relocate(l.context, types.VirtualMachineRelocateSpec{}, types.VirtualMachineMovePriorityDefaultPriority)
		if err == nil {
			err = task.Wait(l.context)
		}
		return err
	}
	if err := relocate(); !isFault[*types.MethodDisabled](err) {
		t.Errorf("held: %v", err)
	}
	if _, err := l.ask(caller, "end", "identity keepline"); err != nil {
		t.Fatal(err)
	}
	if err := relocate(); err != nil {
		t.Errorf("released: %v", err)
	}
}

func TestMachinesAreMadeOnlyUnderANewNameAndWithinTheSpace(t *testing.T) {
	l := start(t, twoMachines)
	pool := object.NewResourcePool(l.client.Client, l.home.clusters["Cluster"])
	folder := object.NewFolder(l.client.Client, l.home.machineFolder)
	make := func(name string, capacity int64, thin bool) error {
		unit := int32(0)
		scsi, disk := new(types.ParaVirtualSCSIController), &types.VirtualDisk{CapacityInKB: capacity / 1024}
		scsi.Key, disk.Key, disk.ControllerKey, disk.UnitNumber = -1, -2, -1, &unit
		disk.Backing = &types.VirtualDiskFlatVer2BackingInfo{ThinProvisioned: &thin}
		added := addition(disk)
		added.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
		task, err := folder.CreateVM(l.context, types.VirtualMachineConfigSpec{
			Name: name, Files: &types.VirtualMachineFileInfo{VmPathName: "[datastore1]"},
			DeviceChange: []types.BaseVirtualDeviceConfigSpec{addition(scsi), added},
		}, pool, nil)
		if err == nil {
			err = task.Wait(l.context)
		}
		return err
	}
	if err := make("web", 1<<20, true); !isFault[*types.DuplicateName](err) {
		t.Errorf("a name that exists: %v", err)
	}
	if err := make("thick", 2<<40, false); !isFault[*types.NoDiskSpace](err) {
		t.Errorf("more than there is: %v", err)
	}
	if err := make("thin", 2<<40, true); err != nil {
		t.Errorf("thin: %v", err)
	}
	disk, err := l.diskNow(which{Machine: "thin"})
	if err != nil || disk.Key != 2000 || disk.Capacity != 2<<40 || len(disk.UUID) != 36 {
		t.Errorf("%+v %v", disk, err)
	}
}
