package vcenter

import (
	"fmt"
	"log"
	"net"
	"slices"

	"github.com/google/uuid"

	"keepline.org/simulators/vcenter/internal/gate"
)

// gateCaller is one connection of the library.
type gateCaller struct {
	lab     *Lab
	who     *login
	handles []string
}

// ServeGate answers the library until the listener is closed.
func (l *Lab) ServeGate(listener net.Listener) {
	gate.Serve(listener, func() gate.Caller { return &gateCaller{lab: l} })
}

// Answer answers one request.
func (c *gateCaller) Answer(request *gate.Request) ([]gate.Pair, error) {
	l := c.lab
	l.count("gate." + request.Op)
	switch request.Op {
	case "connect":
		who, err := l.connect(request.Fields)
		if err != nil {
			return nil, err
		}
		c.who = who
		return l.connectAnswer(uuid.NewString(), who), nil
	case "open":
		return c.open(request.Fields)
	case "close":
		return nil, c.close(request.Fields["handle"])
	case "info":
		return c.describe(request.Fields["handle"])
	case "prepare", "end":
		return nil, c.access(request)
	case "cleanup":
		return c.cleanUp(request.Fields)
	case "faults":
		return l.gateFaults(), nil
	default:
		return nil, gate.Refuse(codeInvalid, "no op %q", request.Op)
	}
}

// Gone closes what the client left open.
func (c *gateCaller) Gone() {
	c.lab.handles.clientDied(c.handles)
	if len(c.handles) > 0 {
		c.lab.saveLab()
	}
}

func (c *gateCaller) close(handle string) error {
	index := slices.Index(c.handles, handle)
	if index < 0 {
		return gate.Refuse(codeInvalid, "handle %q is not open here", handle)
	}
	c.handles = slices.Delete(c.handles, index, index+1)
	c.lab.handles.close(handle)
	c.lab.saveLab()
	return nil
}

// identify returns the login of the connection, or that of the request's own keys.
func (c *gateCaller) identify(fields map[string]string) (*login, error) {
	if c.who != nil && fields["server"] == "" {
		return c.who, nil
	}
	return c.lab.connect(fields)
}

// access holds or releases a machine against relocation.
func (c *gateCaller) access(request *gate.Request) error {
	who, err := c.identify(request.Fields)
	if err != nil {
		return err
	}
	if who.machine == nil {
		return gate.Refuse(codeNoMachine, "%s needs a machine", request.Op)
	}
	if request.Op == "prepare" {
		err = c.lab.hold(who.machine, request.Fields["identity"])
	} else {
		err = c.lab.release(who.machine, request.Fields["identity"])
	}
	return err
}

func (c *gateCaller) cleanUp(fields map[string]string) ([]gate.Pair, error) {
	if _, err := c.identify(fields); err != nil {
		return nil, err
	}
	cleaned, remaining := c.lab.handles.cleanUp(fields["client"])
	c.lab.saveLab()
	return []gate.Pair{
		{Key: "cleaned", Value: fmt.Sprint(cleaned)}, {Key: "remaining", Value: fmt.Sprint(remaining)},
	}, nil
}

func (l *Lab) gateFaults() []gate.Pair {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	pairs := []gate.Pair{}
	for index, line := range l.gateLines {
		pairs = append(pairs, gate.Pair{Key: fmt.Sprintf("fault.%d", index+1), Value: line})
	}
	return pairs
}

func logFailure(what string, err error) {
	if err != nil {
		log.Printf("%s: %v", what, err)
	}
}
