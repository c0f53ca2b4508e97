package gate

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

func read(text string) (*Request, error) {
	return ReadRequest(bufio.NewReader(strings.NewReader(text)))
}

func TestARequestIsLinesUpToAnEmptyOne(t *testing.T) {
	request, err := read("op open\npath %5Bds%5D a b/%C3%A9.vmdk\nflags 4\nmode\n\nop next\n\n")
	if err != nil {
		t.Fatal(err)
	}
	if request.Op != "open" || request.Fields["path"] != "[ds] a b/é.vmdk" || request.Fields["flags"] != "4" {
		t.Errorf("%+v", request)
	}
	if value, given := request.Fields["mode"]; !given || value != "" {
		t.Error("an empty value was lost")
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no op": "path x\n\n", "empty": "\n", "twice": "op a\nx 1\nx 2\n\n", "encoding": "op a\nx %zz\n\n",
		"cut off": "op a\nx 1", "endless": "op " + strings.Repeat("a", maximalLineBytes+1) + "\n\n", "op late": "x 1\nop a\n\n",
	} {
		if request, err := read(text); err == nil {
			t.Errorf("%s: %+v", name, request)
		}
	}
	if _, err := read(""); !errors.Is(err, io.EOF) {
		t.Errorf("a closed connection: %v", err)
	}
}

func TestEveryValueSurvivesEncoding(t *testing.T) {
	for _, value := range []string{"", "a b", "[ds 1] x/ü%.vmdk", "line\nfeed", "52 3c-aa/7", "\x00\xff"} {
		request, err := read("op x\nvalue " + Encode(value) + "\n\n")
		if err != nil || request.Fields["value"] != value {
			t.Errorf("%q became %+v, %v", value, request, err)
		}
	}
}

// scripted answers as a test wants.
type scripted struct {
	answer func(*Request) ([]Pair, error)
	gone   chan struct{}
}

func (s *scripted) Answer(request *Request) ([]Pair, error) { return s.answer(request) }
func (s *scripted) Gone()                                   { close(s.gone) }

func TestServerAnswersAndNoticesADeadClient(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	caller := &scripted{gone: make(chan struct{}), answer: func(request *Request) ([]Pair, error) {
		if request.Op == "open" {
			return nil, Refuse(13, "no access to %s", request.Fields["path"])
		}
		return []Pair{{"session", "a b"}}, nil
	}}
	go Serve(listener, func() Caller { return caller })
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	for request, want := range map[string]string{
		"op connect\n\n":        "ok\nsession a%20b\n\n",
		"op open\npath x y\n\n": "error 13 no%20access%20to%20x%20y\n\n",
	} {
		if _, err := io.WriteString(connection, request); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", request, got, err)
		}
	}
	connection.Close()
	<-caller.gone
}
