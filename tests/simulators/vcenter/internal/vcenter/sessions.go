package vcenter

import (
	"fmt"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// limitSessions sets the idle time after which a session ends; before the first login.
func (l *Lab) limitSessions() {
	limit := fmt.Sprintf("%dms", int64(l.config.SessionTimeoutSeconds*1000)) // the simulator wants text
	l.registry.OptionManager().UpdateOptions(&types.UpdateOptions{ChangedValue: []types.BaseOptionValue{
		&types.OptionValue{Key: "config.vmacore.soap.sessionTimeout", Value: limit},
	}})
}

// sessions lists the clients that are logged in.
func (l *Lab) sessions() []types.UserSession {
	ctx := l.context()
	manager := ctx.Session.Get(l.registry.SessionManager().Self).(*simulator.SessionManager)
	return manager.SessionList
}

func (l *Lab) sessionLives(key string) bool {
	for _, session := range l.sessions() {
		if session.Key == key {
			return true
		}
	}
	return false
}

// terminateSessions logs everyone out, as an administrator would, and returns how many that were.
func (l *Lab) terminateSessions() int {
	ctx, manager, sessions := l.context(), l.registry.SessionManager(), l.sessions()
	for _, session := range sessions {
		manager.TerminateSession(ctx, &types.TerminateSession{SessionId: []string{session.Key}})
	}
	return len(sessions) + l.tags.Sessions.Terminate()
}
