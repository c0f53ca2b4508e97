// Package rules decides which calls go wrong, and how: faults set by a test through the control channel.
package rules

import (
	"fmt"
	"slices"
	"sync"
)

// Action says what happens to a call.
type Action string

const (
	Fault     Action = "fault"      // the call answers with a fault
	TaskFault Action = "task_fault" // the call answers with a task, which fails
	Drop      Action = "drop"       // the connection ends before anything is done
	DropAfter Action = "drop_after" // the call is carried out, its answer is lost
	HTTP503   Action = "http_503"   // Service Unavailable, nothing is done
	Delay     Action = "delay"      // carried out after Milliseconds
	Hang      Action = "hang"       // answered (as a drop) only after Milliseconds, 0 = an hour; nothing is done
)

var actions = []Action{Fault, TaskFault, Drop, DropAfter, HTTP503, Delay, Hang}

// Rule spoils Count calls of Method from the Nth on (both default to 1), only those about Machine if it is set.
type Rule struct {
	Method       string `json:"method"`
	Machine      string `json:"machine,omitempty"`
	Nth          int    `json:"nth,omitempty"`
	Count        int    `json:"count,omitempty"`
	Action       Action `json:"action"`
	Fault        string `json:"fault,omitempty"`
	Message      string `json:"message,omitempty"`
	Milliseconds int    `json:"milliseconds,omitempty"`

	seen int
}

// Set is the rules in force.
type Set struct {
	mutex sync.Mutex
	rules []*Rule
}

// Add puts a rule in force.
func (s *Set) Add(rule Rule) error {
	if rule.Method == "" {
		return fmt.Errorf("a fault needs a method")
	}
	if !slices.Contains(actions, rule.Action) {
		return fmt.Errorf("action %q is none of %v", rule.Action, actions)
	}
	rule.Nth, rule.Count, rule.seen = max(rule.Nth, 1), max(rule.Count, 1), 0
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rules = append(s.rules, &rule)
	return nil
}

// Clear takes all rules back.
func (s *Set) Clear() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rules = nil
}

// Next counts a call with each rule whose action is among wanted, and returns the first rule that spoils it, or nil.
func (s *Set) Next(method, machine string, wanted ...Action) *Rule {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var hit *Rule
	for _, rule := range s.rules {
		if rule.Method != method || rule.Machine != "" && rule.Machine != machine || !slices.Contains(wanted, rule.Action) {
			continue
		}
		rule.seen++
		if hit == nil && rule.seen >= rule.Nth && rule.seen < rule.Nth+rule.Count {
			hit = rule
		}
	}
	return hit
}
