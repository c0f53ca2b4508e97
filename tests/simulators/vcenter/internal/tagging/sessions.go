package tagging

import (
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
)

const sessionHeader = "vmware-api-session-id"

type session struct {
	User         string    `json:"user"`
	Created      time.Time `json:"created_time"`
	LastAccessed time.Time `json:"last_accessed_time"`
}

// Sessions are the log-ins to the REST services; one that is idle for longer than Idle has ended.
type Sessions struct {
	Authenticate func(user, password string) bool
	Idle         time.Duration

	mutex sync.Mutex
	open  map[string]*session
}

// Count tells how many are open.
func (s *Sessions) Count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.expire()
	return len(s.open)
}

// Terminate ends all and tells how many these were.
func (s *Sessions) Terminate() int {
	count := s.Count()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	clear(s.open)
	return count
}

// create answers with a new session's ID, or false for a wrong account.
func (s *Sessions) create(request *http.Request) (string, bool) {
	user, password, given := request.BasicAuth()
	if !given || !s.Authenticate(user, password) {
		return "", false
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.open == nil {
		s.open = map[string]*session{}
	}
	id, now := uuid.NewString(), time.Now()
	s.open[id] = &session{user, now, now}
	return id, true
}

// of returns the session that a request belongs to, used now, or nil.
func (s *Sessions) of(request *http.Request) *session {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.expire()
	found := s.open[request.Header.Get(sessionHeader)]
	if found != nil {
		found.LastAccessed = time.Now()
	}
	return found
}

func (s *Sessions) end(request *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.open, request.Header.Get(sessionHeader))
}

func (s *Sessions) expire() {
	for id, one := range s.open {
		if time.Since(one.LastAccessed) > s.Idle {
			delete(s.open, id)
		}
	}
}
