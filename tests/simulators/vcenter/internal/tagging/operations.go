package tagging

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// largestBody is more than any of these calls has to say.
const largestBody = 64 << 20

func bodyOf(request *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(nil, request.Body, largestBody))
}

// decode reads the body into the operation's own type; a missing or unreadable one is refused, and so are unknown keys.
func decode[Wanted any](c *call) (*Wanted, error) {
	wanted, decoder := new(Wanted), json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(wanted); err != nil {
		return nil, errInvalid
	}
	return wanted, nil
}

func (s *Service) listCategories(*call) (any, error) { return s.Store.Categories(), nil }

func (s *Service) showCategory(c *call) (any, error) { return s.Store.Category(c.id) }

func (s *Service) createCategory(c *call) (any, error) {
	category, err := decode[Category](c)
	if err != nil {
		return nil, err
	}
	return s.Store.AddCategory(*category)
}

func (s *Service) deleteCategory(c *call) (any, error) { return nil, s.Store.RemoveCategory(c.id) }

func (s *Service) listTags(*call) (any, error) { return s.Store.Tags(), nil }

func (s *Service) showTag(c *call) (any, error) { return s.Store.Tag(c.id) }

func (s *Service) createTag(c *call) (any, error) {
	tag, err := decode[Tag](c)
	if err != nil {
		return nil, err
	}
	return s.Store.AddTag(*tag)
}

func (s *Service) deleteTag(c *call) (any, error) { return nil, s.Store.RemoveTag(c.id) }

func (s *Service) listTagsForCategory(c *call) (any, error) {
	asked, err := decode[struct {
		CategoryID string `json:"category_id"`
	}](c)
	if err != nil {
		return nil, err
	}
	return s.Store.TagsOf(asked.CategoryID)
}

type aboutObject struct {
	ObjectID *Object `json:"object_id"`
}

// objectOf is the object of a call; one that is not in the inventory cannot be meant.
func (s *Service) objectOf(c *call) (Object, error) {
	asked, err := decode[aboutObject](c)
	if err != nil || asked.ObjectID == nil || !s.Exists(*asked.ObjectID) {
		return Object{}, errInvalid
	}
	return *asked.ObjectID, nil
}

func (s *Service) attach(c *call) (any, error) {
	object, err := s.objectOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.Attach(c.id, object)
}

func (s *Service) detach(c *call) (any, error) {
	object, err := s.objectOf(c)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.Detach(c.id, object)
}

func (s *Service) listAttachedObjects(c *call) (any, error) { return s.Store.Objects(c.id) }

func (s *Service) listAttachedTags(c *call) (any, error) {
	object, err := s.objectOf(c)
	if err != nil {
		return nil, err
	}
	return s.Store.TagsOn(object), nil
}

type objectToTags struct {
	ObjectID Object   `json:"object_id"`
	TagIDs   []string `json:"tag_ids"`
}

func (s *Service) listAttachedTagsOnObjects(c *call) (any, error) {
	asked, err := decode[struct {
		ObjectIDs []Object `json:"object_ids"`
	}](c)
	if err != nil {
		return nil, err
	}
	answer := []objectToTags{}
	for _, object := range asked.ObjectIDs {
		answer = append(answer, objectToTags{object, s.Store.TagsOn(object)})
	}
	return answer, nil
}

type tagToObjects struct {
	TagID     string   `json:"tag_id"`
	ObjectIDs []Object `json:"object_ids"`
}

func (s *Service) listAttachedObjectsOnTags(c *call) (any, error) {
	asked, err := decode[struct {
		TagIDs []string `json:"tag_ids"`
	}](c)
	if err != nil {
		return nil, err
	}
	answer := []tagToObjects{}
	for _, id := range asked.TagIDs {
		objects, err := s.Store.Objects(id)
		if err != nil {
			return nil, err
		}
		answer = append(answer, tagToObjects{id, objects})
	}
	return answer, nil
}
