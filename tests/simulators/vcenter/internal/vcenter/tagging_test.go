package vcenter

import (
	"reflect"
	"testing"

	"github.com/vmware/govmomi/vapi/rest"
)

type toldTags struct {
	Tags []shownTag `json:"tags"`
}

func (l *laboratory) allTags() []shownTag {
	l.Helper()
	var told toldTags
	l.do("tags", "", &told)
	return told.Tags
}

func TestTagsFollowTheMachineAndSurviveARestart(t *testing.T) {
	l := start(t, twoMachines)
	db, web := l.virtual("db").Reference().Value, l.virtual("web").Reference().Value
	l.do("tag", `{"machine": "db", "category": "backup", "name": "gold"}`, nil)
	l.do("tag", `{"machine": "web", "category": "backup", "name": "gold"}`, nil)
	l.do("tag", `{"category": "backup", "name": "unused"}`, nil)
	l.do("untag", `{"machine": "web", "category": "backup", "name": "gold"}`, nil)
	l.close()

	l = open(t, l.folder)
	machines := map[string][]string{}
	for _, tag := range l.allTags() {
		machines[tag.Category+"/"+tag.Name] = tag.Machines
	}
	if wanted := map[string][]string{"backup/gold": {db}, "backup/unused": {}}; !reflect.DeepEqual(machines, wanted) {
		t.Errorf("%v, want %v (and not %s)", machines, wanted, web)
	}
	task, err := l.virtual("db").Destroy(l.context)
	l.done(task, err)
	for _, tag := range l.allTags() {
		if len(tag.Machines) != 0 {
			t.Errorf("%s hangs on a machine that is gone: %v", tag.Name, tag.Machines)
		}
	}
	l.do("tag_delete", `{"category": "backup", "name": "gold"}`, nil)
	if left := l.allTags(); len(left) != 1 || left[0].Name != "unused" {
		t.Errorf("%v", left)
	}
}

func TestACrowdIsInNoInventory(t *testing.T) {
	l := start(t, twoMachines)
	l.do("tag", `{"crowd": 3, "category": "backup", "name": "gold"}`, nil)
	if told := l.allTags(); len(told) != 1 || len(told[0].Machines) != 3 {
		t.Errorf("%v", told)
	}
}

func TestTheRESTLogInTakesTheAccountAndEndsWithTheOthers(t *testing.T) {
	l := start(t, twoMachines)
	client := rest.NewClient(l.client.Client)
	request := client.Resource("/api/session").Request("POST")
	request.SetBasicAuth("backup@lab", "secret")
	var id string
	if err := client.Do(l.context, request, &id); err != nil || id == "" {
		t.Fatalf("%q %v", id, err)
	}
	var state struct {
		RESTSessions int            `json:"rest_sessions"`
		Calls        map[string]int `json:"calls"`
	}
	l.do("state", "", &state)
	if state.RESTSessions != 1 || state.Calls["rest.session.create"] != 1 {
		t.Errorf("%+v", state)
	}
	l.do("terminate_sessions", "", nil)
	if l.do("state", "", &state); state.RESTSessions != 0 {
		t.Errorf("%+v", state)
	}
}
