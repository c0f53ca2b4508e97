// Package tagging is a vCenter's tagging service: categories, tags, what they hang on, and the REST calls for all that.
package tagging

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// Object is anything in the inventory that a tag can hang on.
type Object struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Category holds tags; of one with cardinality SINGLE an object can have one tag only.
type Category struct {
	ID              string   `json:"id"`
	Name            string   `json:"name"`
	Description     string   `json:"description"`
	Cardinality     string   `json:"cardinality"`
	AssociableTypes []string `json:"associable_types"`
	UsedBy          []string `json:"used_by"`
}

// Tag is one tag of a category.
type Tag struct {
	ID          string   `json:"id"`
	CategoryID  string   `json:"category_id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	UsedBy      []string `json:"used_by"`
}

const (
	single   = "SINGLE"
	multiple = "MULTIPLE"
)

// What a call can be refused for, by the names of the API.
var (
	errNotFound = errors.New("NOT_FOUND")
	errExists   = errors.New("ALREADY_EXISTS")
	errInvalid  = errors.New("INVALID_ARGUMENT")
)

// Saved is all of a Store that outlives its process.
type Saved struct {
	Categories map[string]*Category `json:"categories"`
	Tags       map[string]*Tag      `json:"tags"`
	Attached   map[string][]Object  `json:"attached"` // by tag, in the order of attaching
}

// Store is the categories, the tags and where they hang; Changed hears of every change, under the store's lock.
type Store struct {
	Changed func(Saved)

	mutex sync.Mutex
	saved Saved
}

// NewStore goes on with what an earlier process has saved.
func NewStore(saved Saved, changed func(Saved)) *Store {
	if saved.Categories == nil {
		saved = Saved{map[string]*Category{}, map[string]*Tag{}, map[string][]Object{}}
	}
	return &Store{Changed: changed, saved: saved}
}

func (s *Store) change(work func() error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	err := work()
	if err == nil {
		s.Changed(s.saved)
	}
	return err
}

// AddCategory makes a category and gives it an ID; names are unique.
func (s *Store) AddCategory(category Category) (string, error) {
	category.ID = "urn:vmomi:InventoryServiceCategory:" + uuid.NewString() + ":GLOBAL"
	return category.ID, s.change(func() error {
		if category.Name == "" || category.Cardinality != single && category.Cardinality != multiple {
			return errInvalid
		}
		for _, other := range s.saved.Categories {
			if other.Name == category.Name {
				return errExists
			}
		}
		category.AssociableTypes = append([]string{}, category.AssociableTypes...)
		category.UsedBy = []string{}
		s.saved.Categories[category.ID] = &category
		return nil
	})
}

// AddTag makes a tag and gives it an ID; names are unique within a category.
func (s *Store) AddTag(tag Tag) (string, error) {
	tag.ID = "urn:vmomi:InventoryServiceTag:" + uuid.NewString() + ":GLOBAL"
	return tag.ID, s.change(func() error {
		if tag.Name == "" {
			return errInvalid
		}
		if s.saved.Categories[tag.CategoryID] == nil {
			return errNotFound
		}
		for _, other := range s.saved.Tags {
			if other.CategoryID == tag.CategoryID && other.Name == tag.Name {
				return errExists
			}
		}
		tag.UsedBy = []string{}
		s.saved.Tags[tag.ID] = &tag
		return nil
	})
}

// RemoveCategory takes a category away with all its tags.
func (s *Store) RemoveCategory(id string) error {
	return s.change(func() error {
		if s.saved.Categories[id] == nil {
			return errNotFound
		}
		delete(s.saved.Categories, id)
		for _, tag := range s.tagsOf(id) {
			s.dropTag(tag)
		}
		return nil
	})
}

// RemoveTag takes a tag away from everything that it hangs on.
func (s *Store) RemoveTag(id string) error {
	return s.change(func() error {
		if s.saved.Tags[id] == nil {
			return errNotFound
		}
		s.dropTag(id)
		return nil
	})
}

func (s *Store) dropTag(id string) {
	delete(s.saved.Tags, id)
	delete(s.saved.Attached, id)
}

// Attach hangs a tag on an object; done already is done.
func (s *Store) Attach(id string, object Object) error {
	return s.change(func() error {
		tag := s.saved.Tags[id]
		if tag == nil {
			return errNotFound
		}
		if slices.Contains(s.saved.Attached[id], object) {
			return nil
		}
		category := s.saved.Categories[tag.CategoryID]
		if len(category.AssociableTypes) > 0 && !slices.Contains(category.AssociableTypes, object.Type) {
			return errInvalid
		}
		if category.Cardinality == single && slices.ContainsFunc(s.tagsOf(category.ID), func(other string) bool {
			return slices.Contains(s.saved.Attached[other], object)
		}) {
			return errInvalid
		}
		s.saved.Attached[id] = append(s.saved.Attached[id], object)
		return nil
	})
}

// AttachMany hangs a tag on many objects at once, whatever its category says.
func (s *Store) AttachMany(id string, objects []Object) error {
	return s.change(func() error {
		if s.saved.Tags[id] == nil {
			return errNotFound
		}
		s.saved.Attached[id] = append(s.saved.Attached[id], objects...)
		return nil
	})
}

// Detach takes a tag off an object; one that does not hang there is off.
func (s *Store) Detach(id string, object Object) error {
	return s.change(func() error {
		if s.saved.Tags[id] == nil {
			return errNotFound
		}
		s.saved.Attached[id] = slices.DeleteFunc(s.saved.Attached[id], func(one Object) bool { return one == object })
		return nil
	})
}

// Forget takes all tags off an object that has left the inventory.
func (s *Store) Forget(object Object) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	touched := false
	for id, objects := range s.saved.Attached {
		if slices.Contains(objects, object) {
			touched = true
			s.saved.Attached[id] = slices.DeleteFunc(objects, func(one Object) bool { return one == object })
		}
	}
	if touched {
		s.Changed(s.saved)
	}
}

// Categories lists the IDs of all categories.
func (s *Store) Categories() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return ids(s.saved.Categories)
}

// Tags lists the IDs of all tags.
func (s *Store) Tags() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return ids(s.saved.Tags)
}

// TagsOf lists the IDs of a category's tags.
func (s *Store) TagsOf(category string) ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.saved.Categories[category] == nil {
		return nil, errNotFound
	}
	return s.tagsOf(category), nil
}

func (s *Store) tagsOf(category string) []string {
	return slices.DeleteFunc(ids(s.saved.Tags), func(id string) bool { return s.saved.Tags[id].CategoryID != category })
}

// Category returns a copy of one category.
func (s *Store) Category(id string) (Category, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return copyOf(s.saved.Categories[id])
}

// Tag returns a copy of one tag.
func (s *Store) Tag(id string) (Tag, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return copyOf(s.saved.Tags[id])
}

// Objects lists what a tag hangs on.
func (s *Store) Objects(id string) ([]Object, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.saved.Tags[id] == nil {
		return nil, errNotFound
	}
	return append([]Object{}, s.saved.Attached[id]...), nil
}

// TagsOn lists the IDs of the tags that hang on an object.
func (s *Store) TagsOn(object Object) []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.DeleteFunc(ids(s.saved.Tags), func(id string) bool {
		return !slices.Contains(s.saved.Attached[id], object)
	})
}

// Named finds a tag by its names; empty when there is none.
func (s *Store) Named(category, name string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, tag := range s.saved.Tags {
		if tag.Name == name && s.saved.Categories[tag.CategoryID].Name == category {
			return id
		}
	}
	return ""
}

// CategoryNamed finds a category by its name; empty when there is none.
func (s *Store) CategoryNamed(name string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, category := range s.saved.Categories {
		if category.Name == name {
			return id
		}
	}
	return ""
}

func ids[Value any](all map[string]Value) []string {
	return append([]string{}, slices.SortedFunc(maps.Keys(all), cmp.Compare[string])...)
}

func copyOf[Value any](found *Value) (Value, error) {
	if found == nil {
		return *new(Value), errNotFound
	}
	return *found, nil
}
