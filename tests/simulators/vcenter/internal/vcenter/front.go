package vcenter

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/rules"
)

var (
	calledMethod = regexp.MustCompile(`Body>\s*<(?:\w+:)?(\w+)`)
	calledObject = regexp.MustCompile(`<(?:\w+:)?_this[^>]*>([^<]+)<`)
)

const foreverMilliseconds = 3_600_000

// serveSDK stands before the simulator and spoils calls on the level of HTTP.
func (l *Lab) serveSDK(writer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	method, object := "", types.ManagedObjectReference{}
	if found := calledMethod.FindSubmatch(body); found != nil {
		method = string(found[1])
	}
	if found := calledObject.FindSubmatch(body); found != nil {
		object = types.ManagedObjectReference{Value: string(found[1])}
		if strings.HasPrefix(object.Value, "snapshot-") {
			object.Type = "VirtualMachineSnapshot"
		}
	}
	rule := l.rules.Next(method, l.machineOfObject(object),
		rules.Drop, rules.DropAfter, rules.HTTP503, rules.Delay, rules.Hang)
	if rule != nil && !l.spoil(rule, writer, request) {
		return
	}
	l.service.ServeSDK(writer, request)
}

// spoil carries out a rule; true means that the call goes on as usual. Calls that do not are counted here, not in the hook.
func (l *Lab) spoil(rule *rules.Rule, writer http.ResponseWriter, request *http.Request) bool {
	pause := time.Duration(rule.Milliseconds) * time.Millisecond
	switch rule.Action {
	case rules.HTTP503:
		l.count(rule.Method)
		writer.WriteHeader(http.StatusServiceUnavailable)
		return false
	case rules.Delay:
		time.Sleep(pause)
		return true
	case rules.DropAfter:
		l.service.ServeSDK(&sink{header: http.Header{}}, request)
	case rules.Drop:
		l.count(rule.Method)
	case rules.Hang:
		l.count(rule.Method) // at once: whoever waits for the call to hang sees it
		if pause == 0 {
			pause = foreverMilliseconds * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-request.Context().Done():
		}
	}
	panic(http.ErrAbortHandler) // ends the connection without an answer
}

// sink keeps an answer that goes nowhere, or elsewhere.
type sink struct {
	header http.Header
	status int
	bytes.Buffer
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }

// serveFolder is the access to datastore files with the login check that the simulator leaves out.
func (l *Lab) serveFolder(writer http.ResponseWriter, request *http.Request) {
	cookie, err := request.Cookie(soap.SessionCookieName)
	if err != nil || !l.sessionLives(strings.Trim(cookie.Value, `"`)) {
		writer.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		writer.WriteHeader(http.StatusUnauthorized)
		return
	}
	if slices.Contains(strings.Split(request.URL.Path, "/"), "..") {
		writer.WriteHeader(http.StatusBadRequest)
		return
	}
	l.service.ServeDatastore(writer, request)
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		for _, datastore := range l.config.Datastores {
			l.refreshFreeSpace(l.context(), datastore.Name)
		}
	}
}
