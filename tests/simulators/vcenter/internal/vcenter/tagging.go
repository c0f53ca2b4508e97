package vcenter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/rules"
	"keepline.org/simulators/vcenter/internal/tagging"
)

const (
	tagsFile    = "tags.json"
	machineType = "VirtualMachine"
	// crowdStart is the number of the first machine that a crowd has and the inventory has not.
	crowdStart = 9_000_000
)

// openTagging starts the tagging service over what an earlier process has left.
func (l *Lab) openTagging() error {
	var saved tagging.Saved
	if err := readJSON(l.stateFile(tagsFile), &saved); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l.tags = &tagging.Service{
		Store: tagging.NewStore(saved, l.saveTags),
		Sessions: &tagging.Sessions{
			Authenticate: func(user, password string) bool { return user == l.config.User && password == l.config.Password },
			Idle:         time.Duration(l.config.SessionTimeoutSeconds * float64(time.Second)),
		},
		Watch:  l.watchREST,
		Exists: func(object tagging.Object) bool { return l.registry.Get(referenceOf(object)) != nil },
	}
	return nil
}

func (l *Lab) saveTags(saved tagging.Saved) {
	text, err := json.Marshal(saved)
	if err == nil {
		err = writeWhole(l.stateFile(tagsFile), text)
	}
	logFailure("save tags", err)
}

func referenceOf(object tagging.Object) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: object.Type, Value: object.ID}
}

// watchREST counts a call and spoils it where a rule says so; false when it was answered, or never will be.
func (l *Lab) watchREST(call string, writer http.ResponseWriter, request *http.Request) bool {
	rule := l.rules.Next(call, "", rules.Drop, rules.HTTP503, rules.Delay, rules.Hang)
	if rule == nil {
		l.count(call)
		return true
	}
	if rule.Action == rules.Delay {
		l.count(call)
	}
	return l.spoil(rule, writer, request)
}

type tagRequest struct {
	Machine  string `json:"machine"`
	Category string `json:"category"`
	Name     string `json:"name"`
	Crowd    int    `json:"crowd"`
}

// tagMachine hangs a tag on a machine, or on a crowd of machines that are in no inventory, and makes it where need be.
func (l *Lab) tagMachine(request *tagRequest) (any, error) {
	store := l.tags.Store
	id, err := l.tagNamed(request)
	if err != nil {
		return nil, err
	}
	if request.Crowd > 0 {
		crowd := make([]tagging.Object, request.Crowd)
		for index := range crowd {
			crowd[index] = tagging.Object{Type: machineType, ID: fmt.Sprintf("vm-%d", crowdStart+index)}
		}
		return done{}, store.AttachMany(id, crowd)
	}
	if request.Machine == "" {
		return done{}, nil
	}
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	return done{}, store.Attach(id, tagging.Object{Type: machineType, ID: machine.Ref.Value})
}

// tagNamed finds a tag by its names, or makes it, and its category.
func (l *Lab) tagNamed(request *tagRequest) (string, error) {
	store := l.tags.Store
	if id := store.Named(request.Category, request.Name); id != "" {
		return id, nil
	}
	category := store.CategoryNamed(request.Category)
	if category == "" {
		var err error
		if category, err = store.AddCategory(tagging.Category{Name: request.Category, Cardinality: "MULTIPLE"}); err != nil {
			return "", err
		}
	}
	return store.AddTag(tagging.Tag{CategoryID: category, Name: request.Name})
}

// untagMachine takes a tag off a machine.
func (l *Lab) untagMachine(request *tagRequest) (any, error) {
	machine, err := l.named(request.Machine)
	if err != nil {
		return nil, err
	}
	id := l.tags.Store.Named(request.Category, request.Name)
	return done{}, l.tags.Store.Detach(id, tagging.Object{Type: machineType, ID: machine.Ref.Value})
}

// deleteTag takes a tag away from everything.
func (l *Lab) deleteTag(request *tagRequest) (any, error) {
	return done{}, l.tags.Store.RemoveTag(l.tags.Store.Named(request.Category, request.Name))
}

type shownTag struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Machines []string `json:"machines"`
}

// listTags tells all tags and the morefs of the machines that they hang on.
func (l *Lab) listTags(*struct{}) (any, error) {
	shown := []shownTag{}
	for _, id := range l.tags.Store.Tags() {
		tag, tagErr := l.tags.Store.Tag(id)
		category, categoryErr := l.tags.Store.Category(tag.CategoryID)
		objects, objectsErr := l.tags.Store.Objects(id)
		if errors.Join(tagErr, categoryErr, objectsErr) != nil {
			continue // deleted at this moment
		}
		one := shownTag{category.Name, tag.Name, []string{}}
		for _, object := range objects {
			if object.Type == machineType {
				one.Machines = append(one.Machines, object.ID)
			}
		}
		shown = append(shown, one)
	}
	return map[string]any{"tags": shown}, nil
}
