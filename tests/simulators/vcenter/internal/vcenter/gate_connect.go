package vcenter

import (
	"crypto/sha1" //nolint:gosec // VDDK's thumbprint
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"

	"keepline.org/simulators/vcenter/internal/gate"
)

// The library's error codes that the gate gives; facts in tests/simulators/README.md.
const (
	codeFail            = 1
	codeNoMemory        = 2
	codeInvalid         = 3
	codeNoFile          = 4
	codeAccess          = 13
	codeLocked          = 15
	codeHeld            = 31
	codeWrongLogin      = 35
	codeDeadSession     = 3047
	codeNoMachine       = 4000
	codeNoSnapshot      = 13003
	codeCannotConnect   = 18000
	handleFlagReadOnly  = 4
	networkPortOfServer = "443"
)

// login is a connection that proved who it is.
type login struct {
	machine         *Machine // nil: none named
	snapshot        *Snapshot
	readOnly        bool
	thumbprintValid bool
	client          string
}

// connect checks the values that a client passed to the library.
func (l *Lab) connect(fields map[string]string) (*login, error) {
	if err := l.checkServer(fields["server"], fields["port"]); err != nil {
		return nil, err
	}
	if err := l.checkCredentials(fields); err != nil {
		return nil, err
	}
	result := &login{
		readOnly: fields["read_only"] == "1", client: fields["client"],
		thumbprintValid: l.isThumbprint(fields["thumbprint"]),
	}
	moref, named := strings.CutPrefix(fields["vmx"], "moref=")
	if fields["vmx"] == "" {
		return result, nil
	}
	if result.machine = l.machine(moref); !named || result.machine == nil {
		return nil, gate.Refuse(codeNoMachine, "no machine %q", fields["vmx"])
	}
	if fields["snapshot"] != "" {
		result.snapshot = l.snapshot(fields["snapshot"])
		if result.snapshot == nil || result.snapshot.Machine != moref {
			return nil, gate.Refuse(codeNoSnapshot, "machine %s has no snapshot %q", moref, fields["snapshot"])
		}
	}
	return result, nil
}

func (l *Lab) checkServer(server, port string) error {
	host, own, err := net.SplitHostPort(l.address)
	if err != nil {
		return err
	}
	if port == "" || port == "0" {
		port = networkPortOfServer
	}
	if server != host && server != "localhost" || port != own {
		return gate.Refuse(codeCannotConnect, "%s port %s is not this vCenter, which is %s", server, port, l.address)
	}
	return nil
}

func (l *Lab) checkCredentials(fields map[string]string) error {
	if cookie := fields["cookie"]; cookie != "" {
		if !l.sessionLives(strings.Trim(cookie, `"`)) {
			return gate.Refuse(codeDeadSession, "the session of the cookie does not exist")
		}
		return nil
	}
	if fields["user"] != l.config.User || fields["password"] != l.config.Password {
		return gate.Refuse(codeWrongLogin, "cannot log in as %q: wrong user name or password", fields["user"])
	}
	return nil
}

// isThumbprint takes the SHA-1 or SHA-256 of the certificate as hexadecimal pairs with colons.
func (l *Lab) isThumbprint(text string) bool {
	return strings.EqualFold(text, l.ThumbprintSHA1()) || strings.EqualFold(text, l.ThumbprintSHA256())
}

// ThumbprintSHA1 is what VDDK is given.
func (l *Lab) ThumbprintSHA1() string {
	sum := sha1.Sum(l.certificate.Certificate[0]) //nolint:gosec // the format's own digest
	return colons(sum[:])
}

// ThumbprintSHA256 is what a client of the API pins.
func (l *Lab) ThumbprintSHA256() string {
	sum := sha256.Sum256(l.certificate.Certificate[0])
	return colons(sum[:])
}

func colons(sum []byte) string {
	text := strings.ToUpper(hex.EncodeToString(sum))
	var pairs []string
	for index := 0; index < len(text); index += 2 {
		pairs = append(pairs, text[index:index+2])
	}
	return strings.Join(pairs, ":")
}

func yesNo(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func (l *Lab) connectAnswer(session string, who *login) []gate.Pair {
	host := ""
	if who.machine != nil {
		who.machine.mutex.Lock()
		host = who.machine.host
		who.machine.mutex.Unlock()
	}
	return []gate.Pair{
		{Key: "session", Value: session}, {Key: "host", Value: host},
		{Key: "thumbprint_valid", Value: yesNo(who.thumbprintValid)}, {Key: "thumbprint", Value: l.ThumbprintSHA1()},
	}
}

var errNotConnected = fmt.Errorf("connect comes first")
