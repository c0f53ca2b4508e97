package tagging

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Service answers /api/session and everything below /api/cis/tagging/. Watch sees each call by its name (`rest.tag.list`,
// say) before it is carried out, and has answered it where it returns false; Exists tells what is in the inventory.
type Service struct {
	Store    *Store
	Sessions *Sessions
	Watch    func(call string, writer http.ResponseWriter, request *http.Request) bool
	Exists   func(Object) bool
}

// call is what an operation is told; id is the last part of the path, where it has one.
type call struct {
	id   string
	body []byte
}

// operation answers with a value, or with nil where there is nothing to tell.
type operation func(s *Service, c *call) (any, error)

// operations are all, by resource, verb, whether the path has an ID, and action.
var operations = map[route]operation{
	{"category", http.MethodGet, false, ""}:                                      (*Service).listCategories,
	{"category", http.MethodPost, false, ""}:                                     (*Service).createCategory,
	{"category", http.MethodGet, true, ""}:                                       (*Service).showCategory,
	{"category", http.MethodDelete, true, ""}:                                    (*Service).deleteCategory,
	{"tag", http.MethodGet, false, ""}:                                           (*Service).listTags,
	{"tag", http.MethodPost, false, ""}:                                          (*Service).createTag,
	{"tag", http.MethodPost, false, "list-tags-for-category"}:                    (*Service).listTagsForCategory,
	{"tag", http.MethodGet, true, ""}:                                            (*Service).showTag,
	{"tag", http.MethodDelete, true, ""}:                                         (*Service).deleteTag,
	{"tag-association", http.MethodPost, true, "attach"}:                         (*Service).attach,
	{"tag-association", http.MethodPost, true, "detach"}:                         (*Service).detach,
	{"tag-association", http.MethodPost, true, "list-attached-objects"}:          (*Service).listAttachedObjects,
	{"tag-association", http.MethodPost, false, "list-attached-tags"}:            (*Service).listAttachedTags,
	{"tag-association", http.MethodPost, false, "list-attached-tags-on-objects"}: (*Service).listAttachedTagsOnObjects,
	{"tag-association", http.MethodPost, false, "list-attached-objects-on-tags"}: (*Service).listAttachedObjectsOnTags,
}

type route struct {
	resource string
	verb     string
	named    bool
	action   string
}

// name is how rules and counts call it.
func (r route) name() string {
	if r.action != "" {
		return "rest." + r.resource + "." + r.action
	}
	verb := map[string]string{http.MethodGet: "list", http.MethodPost: "create", http.MethodDelete: "delete"}[r.verb]
	if r.named && r.verb == http.MethodGet {
		verb = "get"
	}
	return "rest." + r.resource + "." + verb
}

// ServeHTTP refuses, in this order, a call without a session, one that is no operation, and one that cannot be carried out.
func (s *Service) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/api/session" {
		s.serveSession(writer, request)
		return
	}
	found, id := routeOf(request)
	work, known := operations[found]
	if known && !s.Watch(found.name(), writer, request) {
		return
	}
	if s.Sessions.of(request) == nil {
		refuse(writer, http.StatusUnauthorized, "UNAUTHENTICATED")
		return
	}
	if !known {
		refuse(writer, statusOfUnknown(found), "OPERATION_NOT_FOUND")
		return
	}
	body, err := bodyOf(request)
	if err != nil {
		refuse(writer, http.StatusBadRequest, errInvalid.Error())
		return
	}
	answer, err := work(s, &call{id, body})
	s.reply(writer, found, answer, err)
}

func (s *Service) serveSession(writer http.ResponseWriter, request *http.Request) {
	if name := (route{resource: "session", verb: request.Method}).name(); !s.Watch(name, writer, request) {
		return
	}
	if request.Method == http.MethodPost {
		if id, right := s.Sessions.create(request); right {
			tell(writer, http.StatusCreated, id)
		} else {
			writer.Header().Set("WWW-Authenticate", `Basic realm="vCenter"`)
			refuse(writer, http.StatusUnauthorized, "UNAUTHENTICATED")
		}
		return
	}
	mine := s.Sessions.of(request)
	switch {
	case mine == nil:
		refuse(writer, http.StatusUnauthorized, "UNAUTHENTICATED")
	case request.Method == http.MethodGet:
		tell(writer, http.StatusOK, mine)
	case request.Method == http.MethodDelete:
		s.Sessions.end(request)
		writer.WriteHeader(http.StatusNoContent)
	default:
		refuse(writer, http.StatusMethodNotAllowed, "OPERATION_NOT_FOUND")
	}
}

func (s *Service) reply(writer http.ResponseWriter, found route, answer any, err error) {
	switch {
	case errors.Is(err, errNotFound):
		refuse(writer, http.StatusNotFound, err.Error())
	case err != nil:
		refuse(writer, http.StatusBadRequest, err.Error())
	case answer == nil:
		writer.WriteHeader(http.StatusNoContent)
	case found.verb == http.MethodPost && found.action == "":
		tell(writer, http.StatusCreated, answer)
	default:
		tell(writer, http.StatusOK, answer)
	}
}

// routeOf reads /api/cis/tagging/RESOURCE[/ID][?action=ACTION]; the older spelling ~action means nothing here.
func routeOf(request *http.Request) (found route, id string) {
	resource, id, named := strings.Cut(strings.TrimPrefix(request.URL.Path, "/api/cis/tagging/"), "/")
	return route{resource, request.Method, named, request.URL.Query().Get("action")}, id
}

// statusOfUnknown tells a wrong verb from a path or an action that does not exist.
func statusOfUnknown(wrong route) int {
	for known := range operations {
		if known.resource == wrong.resource && known.named == wrong.named && known.verb != wrong.verb && known.action == wrong.action {
			return http.StatusMethodNotAllowed
		}
	}
	return http.StatusNotFound
}

func tell(writer http.ResponseWriter, status int, answer any) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	_ = json.NewEncoder(writer).Encode(answer) // the client's loss
}

func refuse(writer http.ResponseWriter, status int, kind string) {
	tell(writer, status, map[string]any{"error_type": kind, "messages": []string{}})
}
