package vcenter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Handle is a disk that a client has open through the library.
type Handle struct {
	ID       string `json:"id"`
	Machine  string `json:"machine"`
	Snapshot string `json:"snapshot"` // empty: the present disk
	Host     string `json:"host"`
	Key      int32  `json:"key"`
	File     string `json:"file"`
	Mode     string `json:"mode"`
	Writing  bool   `json:"writing"`
	Client   string `json:"client"` // its tmpDirectory, if it said
	Dead     bool   `json:"dead"`   // hot-added, and the client is gone: stays until cleanup
}

// handleTable is what is open. Its lock is a leaf.
type handleTable struct {
	mutex   sync.Mutex
	last    int
	handles map[string]*Handle
}

// open adds a handle unless another one locks the file or the host has no memory left for its network transport.
func (t *handleTable) open(handle *Handle, flat func(*Handle) bool, limit int) (code int, text string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	network := 0
	for _, other := range t.handles {
		if flat(other) && (handle.Writing || other.Writing) {
			return 15, fmt.Sprintf("%s is locked by handle %s", handle.File, other.ID)
		}
		if other.Host == handle.Host && strings.HasPrefix(other.Mode, "nbd") {
			network++
		}
	}
	if strings.HasPrefix(handle.Mode, "nbd") && network >= limit {
		return 2, fmt.Sprintf("host %s has no NFC memory left for more than %d handles", handle.Host, limit)
	}
	t.last++
	handle.ID = fmt.Sprint(t.last)
	if t.handles == nil {
		t.handles = map[string]*Handle{}
	}
	t.handles[handle.ID] = handle
	return 0, ""
}

func (t *handleTable) close(id string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.handles, id)
}

// clientDied closes a client's handles, except that hot-added disks stay attached.
func (t *handleTable) clientDied(ids []string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, id := range ids {
		handle := t.handles[id]
		if handle != nil && handle.Mode == "hotadd" {
			handle.Dead = true
		} else {
			delete(t.handles, id)
		}
	}
}

// cleanUp detaches the hot-added disks of dead clients with that name (or without any), and counts those that stay.
func (t *handleTable) cleanUp(client string) (cleaned, remaining int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for id, handle := range t.handles {
		if !handle.Dead {
			continue
		}
		if handle.Client == "" || handle.Client == client {
			delete(t.handles, id)
			cleaned++
		} else {
			remaining++
		}
	}
	return cleaned, remaining
}

// lockedFile returns a file that a handle keeps open in a snapshot, or nothing.
func (t *handleTable) lockedFile(snapshot string) string {
	return t.first(func(handle *Handle) bool { return handle.Snapshot == snapshot })
}

// lockedFileOf returns a file that a handle keeps open in a machine, or nothing.
func (t *handleTable) lockedFileOf(machine string) string {
	return t.first(func(handle *Handle) bool { return handle.Machine == machine })
}

// writtenFileOf returns a file of a machine that is open for writing, or nothing.
func (t *handleTable) writtenFileOf(machine string) string {
	return t.first(func(handle *Handle) bool { return handle.Machine == machine && handle.Writing })
}

func (t *handleTable) first(wanted func(*Handle) bool) string {
	for _, handle := range t.list() {
		if wanted(&handle) {
			return handle.File
		}
	}
	return ""
}

// list copies all handles, in the order in which they were opened.
func (t *handleTable) list() []Handle {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	handles := []Handle{}
	for _, handle := range t.handles {
		handles = append(handles, *handle)
	}
	slices.SortFunc(handles, func(a, b Handle) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return handles
}

// restore takes over what was attached before a restart: its clients are gone.
func (t *handleTable) restore(handles []Handle) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.handles = map[string]*Handle{}
	for _, handle := range handles {
		if handle.Mode == "hotadd" {
			t.last++
			handle.ID, handle.Dead = fmt.Sprint(t.last), true
			t.handles[handle.ID] = &handle
		}
	}
}
