// Package gate speaks the protocol by which the simulated VDDK library asks the simulated vCenter; it is described in
// tests/simulators/README.md.
package gate

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"strings"
)

const maximalLineBytes = 64 << 10

// Request is one question.
type Request struct {
	Op     string
	Fields map[string]string
}

// Pair is one line of an answer.
type Pair struct{ Key, Value string }

// Refusal is an answer with an error code of VDDK.
type Refusal struct {
	Code int
	Text string
}

func (r *Refusal) Error() string { return fmt.Sprintf("error %d: %s", r.Code, r.Text) }

// Refuse makes a Refusal.
func Refuse(code int, format string, arguments ...any) error {
	return &Refusal{code, fmt.Sprintf(format, arguments...)}
}

// ReadRequest reads lines up to the empty one. It returns io.EOF when the peer is gone before the first line.
func ReadRequest(reader *bufio.Reader) (*Request, error) {
	request := &Request{Fields: map[string]string{}}
	for {
		line, err := readLine(reader)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		key, text, _ := strings.Cut(line, " ")
		value, err := url.PathUnescape(text)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key, err)
		}
		if _, twice := request.Fields[key]; twice {
			return nil, fmt.Errorf("key %s comes twice", key)
		}
		if len(request.Fields) == 0 && key != "op" {
			return nil, fmt.Errorf("the first line is %q, not the op", line)
		}
		request.Fields[key] = value
	}
	request.Op = request.Fields["op"]
	if request.Op == "" {
		return nil, fmt.Errorf("a request without op")
	}
	delete(request.Fields, "op")
	return request, nil
}

func readLine(reader *bufio.Reader) (string, error) {
	var line strings.Builder
	for {
		part, err := reader.ReadSlice('\n')
		line.Write(part)
		if line.Len() > maximalLineBytes {
			return "", fmt.Errorf("a line of more than %d bytes", maximalLineBytes)
		}
		if err == nil {
			return strings.TrimSuffix(line.String(), "\n"), nil
		}
		if err != bufio.ErrBufferFull {
			if err == io.EOF && line.Len() > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// WriteAnswer sends an answer, ok or refused.
func WriteAnswer(writer io.Writer, pairs []Pair, refusal *Refusal) error {
	var text strings.Builder
	if refusal != nil {
		fmt.Fprintf(&text, "error %d %s\n\n", refusal.Code, Encode(refusal.Text))
	} else {
		text.WriteString("ok\n")
		for _, pair := range pairs {
			fmt.Fprintf(&text, "%s %s\n", pair.Key, Encode(pair.Value))
		}
		text.WriteString("\n")
	}
	_, err := io.WriteString(writer, text.String())
	return err
}

const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:"

// Encode percent-encodes every byte that is not a letter, a digit or one of -._~/:
func Encode(value string) string {
	var text strings.Builder
	for index := range len(value) {
		if strings.IndexByte(plain, value[index]) >= 0 {
			text.WriteByte(value[index])
		} else {
			fmt.Fprintf(&text, "%%%02X", value[index])
		}
	}
	return text.String()
}
