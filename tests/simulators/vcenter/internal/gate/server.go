package gate

import (
	"bufio"
	"errors"
	"net"
)

// Caller answers the requests of one connection, one at a time.
type Caller interface {
	// Answer returns the lines of the answer; a *Refusal is sent as an error.
	Answer(request *Request) ([]Pair, error)
	// Gone is called once, when the connection has ended.
	Gone()
}

// Serve accepts connections until the listener is closed.
func Serve(listener net.Listener, newCaller func() Caller) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go serveConnection(connection, newCaller())
	}
}

func serveConnection(connection net.Conn, caller Caller) {
	defer caller.Gone()
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for {
		request, err := ReadRequest(reader)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			_ = WriteAnswer(connection, nil, &Refusal{3, err.Error()}) // 3: invalid argument; usually the peer is gone
			return
		}
		pairs, err := caller.Answer(request)
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			refusal = &Refusal{1, err.Error()}
		}
		if WriteAnswer(connection, pairs, refusal) != nil {
			return
		}
	}
}
