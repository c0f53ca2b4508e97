package tagging

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

var (
	web = Object{"VirtualMachine", "vm-1"}
	esx = Object{"HostSystem", "host-1"}
)

// client talks to a Service that knows `web`, `esx` and one account.
type client struct {
	*testing.T
	*Service
	session string
	calls   []string
}

func newClient(t *testing.T) *client {
	c := &client{T: t}
	c.Service = &Service{
		Store: NewStore(Saved{}, func(Saved) {}),
		Sessions: &Sessions{
			Authenticate: func(user, password string) bool { return user == "backup" && password == "secret" }, Idle: time.Hour,
		},
		Watch: func(call string, _ http.ResponseWriter, _ *http.Request) bool {
			c.calls = append(c.calls, call)
			return true
		},
		Exists: func(object Object) bool { return object == web || object == esx },
	}
	if status := c.logIn("backup", "secret"); status != http.StatusCreated {
		t.Fatalf("log-in: %d", status)
	}
	return c
}

func (c *client) logIn(user, password string) int {
	request := httptest.NewRequest(http.MethodPost, "/api/session", nil)
	request.SetBasicAuth(user, password)
	recorder := httptest.NewRecorder()
	c.ServeHTTP(recorder, request)
	if recorder.Code == http.StatusCreated {
		if err := json.Unmarshal(recorder.Body.Bytes(), &c.session); err != nil {
			c.Fatal(err)
		}
	}
	return recorder.Code
}

// call sends a request and returns its status; the body goes into answer where one is wanted.
func (c *client) call(method, path, body string, answer any) int {
	c.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set(sessionHeader, c.session)
	recorder := httptest.NewRecorder()
	c.ServeHTTP(recorder, request)
	if answer != nil {
		if err := json.Unmarshal(recorder.Body.Bytes(), answer); err != nil {
			c.Fatalf("%s %s: %q: %v", method, path, recorder.Body, err)
		}
	}
	return recorder.Code
}

func (c *client) want(status int, method, path, body string, answer any) {
	c.Helper()
	if got := c.call(method, path, body, answer); got != status {
		c.Errorf("%s %s %s: %d, want %d", method, path, body, got, status)
	}
}

// tag makes a category and a tag in it by REST.
func (c *client) tag(category, cardinality, types, name string) string {
	c.Helper()
	var categoryID, id string
	c.want(http.StatusCreated, http.MethodPost, "/api/cis/tagging/category",
		`{"name": "`+category+`", "description": "", "cardinality": "`+cardinality+`", "associable_types": [`+types+`]}`, &categoryID)
	c.want(http.StatusCreated, http.MethodPost, "/api/cis/tagging/tag",
		`{"name": "`+name+`", "description": "", "category_id": "`+categoryID+`"}`, &id)
	return id
}

const onWeb = `{"object_id": {"type": "VirtualMachine", "id": "vm-1"}}`

func TestAnythingButTheLogInNeedsASession(t *testing.T) {
	c := newClient(t)
	id := c.tag("backup", "SINGLE", "", "gold")
	for _, session := range []string{"", "wrong"} {
		c.session = session
		c.want(http.StatusUnauthorized, http.MethodGet, "/api/cis/tagging/tag", "", nil)
		c.want(http.StatusUnauthorized, http.MethodGet, "/api/cis/tagging/tag/"+id, "", nil)
		c.want(http.StatusUnauthorized, http.MethodPost, "/api/cis/tagging/tag-association/"+id+"?action=attach", onWeb, nil)
		c.want(http.StatusUnauthorized, http.MethodGet, "/api/session", "", nil)
		c.want(http.StatusUnauthorized, http.MethodPut, "/api/cis/tagging/nothing", "", nil)
	}
	if status := c.logIn("backup", "guess"); status != http.StatusUnauthorized {
		t.Errorf("wrong password: %d", status)
	}
}

func TestASessionEndsWhenGivenBackWhenIdleAndWhenTerminated(t *testing.T) {
	c := newClient(t)
	c.want(http.StatusOK, http.MethodGet, "/api/session", "", nil)
	c.want(http.StatusNoContent, http.MethodDelete, "/api/session", "", nil)
	c.want(http.StatusUnauthorized, http.MethodGet, "/api/cis/tagging/tag", "", nil)

	c.logIn("backup", "secret")
	c.Sessions.open[c.session].LastAccessed = time.Now().Add(-2 * time.Hour)
	c.want(http.StatusUnauthorized, http.MethodGet, "/api/cis/tagging/tag", "", nil)

	c.logIn("backup", "secret")
	if ended := c.Sessions.Terminate(); ended != 1 || c.Sessions.Count() != 0 {
		t.Errorf("%d ended, %d left", ended, c.Sessions.Count())
	}
	c.want(http.StatusUnauthorized, http.MethodGet, "/api/cis/tagging/tag", "", nil)
}

func TestCategoriesAndTagsAreListedByIDAndShownByName(t *testing.T) {
	c := newClient(t)
	var none []string
	c.want(http.StatusOK, http.MethodGet, "/api/cis/tagging/category", "", &none)
	if none == nil || len(none) != 0 {
		t.Errorf("no category: %#v", none)
	}
	id := c.tag("backup", "MULTIPLE", `"VirtualMachine"`, "gold")
	var categories, tags []string
	c.want(http.StatusOK, http.MethodGet, "/api/cis/tagging/category", "", &categories)
	var category Category
	c.want(http.StatusOK, http.MethodGet, "/api/cis/tagging/category/"+categories[0], "", &category)
	wanted := Category{categories[0], "backup", "", "MULTIPLE", []string{"VirtualMachine"}, []string{}}
	if !reflect.DeepEqual(category, wanted) {
		t.Errorf("%+v", category)
	}
	c.want(http.StatusOK, http.MethodPost, "/api/cis/tagging/tag?action=list-tags-for-category",
		`{"category_id": "`+category.ID+`"}`, &tags)
	if !reflect.DeepEqual(tags, []string{id}) {
		t.Errorf("%v", tags)
	}
	var tag Tag
	c.want(http.StatusOK, http.MethodGet, "/api/cis/tagging/tag/"+id, "", &tag)
	if !reflect.DeepEqual(tag, Tag{id, category.ID, "gold", "", []string{}}) {
		t.Errorf("%+v", tag)
	}
}

func TestWhatIsAttachedIsToldFromBothSides(t *testing.T) {
	c := newClient(t)
	gold, lone := c.tag("backup", "MULTIPLE", "", "gold"), c.tag("other", "MULTIPLE", "", "lone")
	for range 2 { // attaching again is no error, and attaches nothing twice
		c.want(http.StatusNoContent, http.MethodPost, "/api/cis/tagging/tag-association/"+gold+"?action=attach", onWeb, nil)
	}
	var objects []tagToObjects
	c.want(http.StatusOK, http.MethodPost, "/api/cis/tagging/tag-association?action=list-attached-objects-on-tags",
		`{"tag_ids": ["`+gold+`", "`+lone+`"]}`, &objects)
	if !reflect.DeepEqual(objects, []tagToObjects{{gold, []Object{web}}, {lone, []Object{}}}) {
		t.Errorf("%+v", objects)
	}
	var tags []objectToTags
	c.want(http.StatusOK, http.MethodPost, "/api/cis/tagging/tag-association?action=list-attached-tags-on-objects",
		`{"object_ids": [{"type": "VirtualMachine", "id": "vm-1"}, {"type": "HostSystem", "id": "host-1"}]}`, &tags)
	if !reflect.DeepEqual(tags, []objectToTags{{web, []string{gold}}, {esx, []string{}}}) {
		t.Errorf("%+v", tags)
	}
	c.want(http.StatusNoContent, http.MethodPost, "/api/cis/tagging/tag-association/"+gold+"?action=detach", onWeb, nil)
	var left []Object
	c.want(http.StatusOK, http.MethodPost, "/api/cis/tagging/tag-association/"+gold+"?action=list-attached-objects", "", &left)
	if len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestWhatIsNotThereWhatExistsAndWhatCannotBeMeantAreRefused(t *testing.T) {
	c := newClient(t)
	gold := c.tag("backup", "SINGLE", `"VirtualMachine"`, "gold")
	var silver string
	tag, _ := c.Store.Tag(gold)
	c.want(http.StatusCreated, http.MethodPost, "/api/cis/tagging/tag", `{"name": "silver", "category_id": "`+tag.CategoryID+`"}`, &silver)
	c.want(http.StatusNoContent, http.MethodPost, "/api/cis/tagging/tag-association/"+gold+"?action=attach", onWeb, nil)
	for _, wrong := range []struct {
		status             int
		method, path, body string
	}{
		{404, http.MethodGet, "category/urn:none", ""},
		{404, http.MethodGet, "tag/urn:none", ""},
		{404, http.MethodPost, "tag?action=list-tags-for-category", `{"category_id": "urn:none"}`},
		{404, http.MethodPost, "tag-association/urn:none?action=attach", onWeb},
		{404, http.MethodPost, "tag-association?action=list-attached-objects-on-tags", `{"tag_ids": ["urn:none"]}`},
		{404, http.MethodPost, "tag", `{"name": "gold", "category_id": "urn:none"}`},
		{400, http.MethodPost, "tag", `{"name": "gold", "category_id": "` + tag.CategoryID + `"}`},
		{400, http.MethodPost, "category", `{"name": "backup", "cardinality": "SINGLE"}`},
		{400, http.MethodPost, "category", `{"name": "new", "cardinality": "SOME"}`},
		{400, http.MethodPost, "tag-association/" + silver + "?action=attach", onWeb},
		{400, http.MethodPost, "tag-association/" + gold + "?action=attach", `{"object_id": {"type": "HostSystem", "id": "host-1"}}`},
		{400, http.MethodPost, "tag-association/" + gold + "?action=attach", `{"object_id": {"type": "VirtualMachine", "id": "vm-9"}}`},
		{400, http.MethodPost, "tag-association?action=list-attached-objects-on-tags", ""},
		{400, http.MethodPost, "tag-association?action=list-attached-objects-on-tags", `{"tags": []}`},
		{405, http.MethodPut, "category", ""},
		{405, http.MethodPost, "tag/" + gold, ""},
		{405, http.MethodGet, "tag-association?action=list-attached-tags", ""},
		{404, http.MethodPost, "tag?action=list-nothing", "{}"},
		// the older spelling of an action is none: this would make a tag, and has no name for it
		{400, http.MethodPost, "tag?~action=list-tags-for-category", `{"category_id": "` + tag.CategoryID + `"}`},
		{404, http.MethodGet, "nothing", ""},
	} {
		c.want(wrong.status, wrong.method, "/api/cis/tagging/"+wrong.path, wrong.body, nil)
	}
}

func TestADeletedCategoryTakesItsTagsAndADeletedTagItsPlaces(t *testing.T) {
	c := newClient(t)
	gold, other := c.tag("backup", "MULTIPLE", "", "gold"), c.tag("other", "MULTIPLE", "", "one")
	for _, id := range []string{gold, other} {
		c.want(http.StatusNoContent, http.MethodPost, "/api/cis/tagging/tag-association/"+id+"?action=attach", onWeb, nil)
	}
	tag, _ := c.Store.Tag(gold)
	c.want(http.StatusNoContent, http.MethodDelete, "/api/cis/tagging/category/"+tag.CategoryID, "", nil)
	if left := c.Store.TagsOn(web); !reflect.DeepEqual(left, []string{other}) {
		t.Errorf("%v", left)
	}
	c.want(http.StatusNoContent, http.MethodDelete, "/api/cis/tagging/tag/"+other, "", nil)
	c.want(http.StatusNotFound, http.MethodDelete, "/api/cis/tagging/tag/"+other, "", nil)
	if left := c.Store.TagsOn(web); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestEveryCallHasANameByWhichItIsCountedAndSpoiled(t *testing.T) {
	c := newClient(t)
	c.calls = nil
	c.want(http.StatusOK, http.MethodGet, "/api/cis/tagging/category", "", nil)
	c.call(http.MethodGet, "/api/cis/tagging/tag/urn:none", "", nil)
	c.call(http.MethodPost, "/api/cis/tagging/tag-association?action=list-attached-objects-on-tags", "{}", nil)
	c.call(http.MethodDelete, "/api/session", "", nil)
	wanted := []string{"rest.category.list", "rest.tag.get", "rest.tag-association.list-attached-objects-on-tags", "rest.session.delete"}
	if !reflect.DeepEqual(c.calls, wanted) {
		t.Errorf("%v", c.calls)
	}
	c.Watch = func(_ string, writer http.ResponseWriter, _ *http.Request) bool {
		writer.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
	c.want(http.StatusServiceUnavailable, http.MethodGet, "/api/cis/tagging/tag", "", nil)
}
