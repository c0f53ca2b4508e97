package rules

import "testing"

func mustAdd(t *testing.T, set *Set, rule Rule) {
	t.Helper()
	if err := set.Add(rule); err != nil {
		t.Fatal(err)
	}
}

func TestTheNthCallIsSpoiledCountTimes(t *testing.T) {
	set := new(Set)
	mustAdd(t, set, Rule{Method: "CreateSnapshot_Task", Nth: 3, Count: 2, Action: Fault})
	for call, want := range []bool{false, false, true, true, false} {
		if got := set.Next("CreateSnapshot_Task", "vm-1", Fault) != nil; got != want {
			t.Errorf("call %d: %v", call+1, got)
		}
	}
}

func TestOnlyTheNamedMachineAndMethodAndKindCount(t *testing.T) {
	set := new(Set)
	mustAdd(t, set, Rule{Method: "Login", Machine: "vm-2", Action: Drop})
	for _, call := range []struct {
		method, machine string
		action          Action
		want            bool
	}{{"Login", "vm-1", Drop, false}, {"Logout", "vm-2", Drop, false}, {"Login", "vm-2", Fault, false}, {"Login", "vm-2", Drop, true}} {
		if got := set.Next(call.method, call.machine, call.action) != nil; got != call.want {
			t.Errorf("%+v: %v", call, got)
		}
	}
}

func TestClearEndsAllRules(t *testing.T) {
	set := new(Set)
	mustAdd(t, set, Rule{Method: "Login", Action: HTTP503})
	set.Clear()
	if set.Next("Login", "", HTTP503) != nil {
		t.Error("still in force")
	}
}

func TestARuleNeedsAMethodAndAKnownAction(t *testing.T) {
	set := new(Set)
	for _, rule := range []Rule{{Action: Fault}, {Method: "Login"}, {Method: "Login", Action: "explode"}} {
		if set.Add(rule) == nil {
			t.Errorf("%+v is accepted", rule)
		}
	}
}
