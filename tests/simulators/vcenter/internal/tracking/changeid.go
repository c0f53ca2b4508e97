package tracking

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
)

// ChangeID names a moment of one disk: the epoch in which tracking runs and the number of the snapshot in it.
type ChangeID struct {
	Epoch    string `json:"epoch"`
	Sequence int    `json:"sequence"`
}

// String is the form the API shows: "52 3c ae … /7"; empty while tracking is off.
func (id ChangeID) String() string {
	if id.Epoch == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", id.Epoch, id.Sequence)
}

// ParseChangeID reads String's form.
func ParseChangeID(text string) (ChangeID, bool) {
	epoch, number, found := strings.Cut(text, "/")
	sequence, err := strconv.Atoi(number)
	return ChangeID{epoch, sequence}, found && epoch != "" && err == nil && sequence >= 0
}

// NewEpoch makes an epoch's name in vSphere's form: sixteen spaced hexadecimal bytes with a dash in the middle.
func NewEpoch() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	raw[0] = 0x52
	return fmt.Sprintf("% x-% x", raw[:8], raw[8:])
}
