package vcenter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// operation is one thing a test can do; its answer becomes a JSON object.
type operation func(l *Lab, body []byte) (any, error)

// operations are all, by the last part of the path. README.md describes each.
var operations = map[string]operation{
	"machines":             with((*Lab).listMachines),
	"state":                with((*Lab).showState),
	"write":                with((*Lab).guestWrite),
	"write_extents":        with((*Lab).guestWriteExtents),
	"replace":              with((*Lab).guestReplace),
	"zero":                 with((*Lab).guestZero),
	"read":                 with((*Lab).readDisk),
	"extend":               with((*Lab).extendDisk),
	"swap_disk":            with((*Lab).swapDisk),
	"revert":               with((*Lab).userRevert),
	"snapshot_create":      with((*Lab).userSnapshot),
	"snapshot_remove":      with((*Lab).userRemoveSnapshot),
	"power":                with((*Lab).userPower),
	"reset_tracking":       with((*Lab).resetTracking),
	"corrupt_tracking":     with((*Lab).corruptTracking),
	"lie":                  with((*Lab).startLie),
	"freespace":            with((*Lab).forceFreeSpace),
	"fault":                with((*Lab).addFault),
	"vddk_fault":           with((*Lab).addGateFault),
	"clear_faults":         with((*Lab).clearFaults),
	"terminate_sessions":   with((*Lab).endSessions),
	"tag":                  with((*Lab).tagMachine),
	"untag":                with((*Lab).untagMachine),
	"tag_delete":           with((*Lab).deleteTag),
	"tags":                 with((*Lab).listTags),
	"event":                with((*Lab).postEvent),
	"alarm":                with((*Lab).raiseAlarm),
	"hold":                 with((*Lab).otherHold),
	"release":              with((*Lab).otherRelease),
	"consolidation_needed": with((*Lab).setConsolidation),
	"connection_state":     with((*Lab).setConnection),
	"shutdown":             with((*Lab).stop),
}

// done is the answer of an operation that has nothing to tell.
type done struct{}

// with decodes the body into the operation's own type; unknown keys are refused.
func with[Request any](work func(*Lab, *Request) (any, error)) operation {
	return func(l *Lab, body []byte) (any, error) {
		request := new(Request)
		if len(bytes.TrimSpace(body)) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(request); err != nil {
				return nil, err
			}
		}
		return work(l, request)
	}
}

// ControlHandler answers POST /lab/OP.
func (l *Lab) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /lab/{operation}", func(writer http.ResponseWriter, request *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		answer, err := l.operate(request)
		if err != nil {
			writer.WriteHeader(http.StatusBadRequest)
			answer = map[string]string{"error": err.Error()}
		}
		logFailure("control", json.NewEncoder(writer).Encode(answer))
	})
	return mux
}

func (l *Lab) operate(request *http.Request) (any, error) {
	name := request.PathValue("operation")
	work, known := operations[name]
	if !known {
		return nil, fmt.Errorf("no operation %q", name)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	return work(l, body)
}

// which names a machine, and a disk of it where one is wanted.
type which struct {
	Machine string          `json:"machine"`
	Disk    json.RawMessage `json:"disk,omitempty"`
}

func (l *Lab) named(name string) (*Machine, error) {
	for _, machine := range l.allMachines() {
		machine.mutex.Lock()
		match := machine.name == name || machine.Ref.Value == name
		machine.mutex.Unlock()
		if match {
			return machine, nil
		}
	}
	return nil, fmt.Errorf("no machine %q", name)
}

// disk finds the disk by label, device key or index from zero; the machine's lock is held.
func (m *Machine) disk(raw json.RawMessage) (*Disk, error) {
	text := strings.Trim(string(raw), `"`)
	if text == "" {
		text = "0"
	}
	number, err := strconv.Atoi(text)
	for index, disk := range m.disks {
		if disk.Label == text || err == nil && (int(disk.Key) == number || index == number) {
			return disk, nil
		}
	}
	return nil, fmt.Errorf("machine %s has no disk %s", m.name, text)
}

var errOutside = errors.New("outside the disk")
