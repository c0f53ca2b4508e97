package vcenter

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

// TestASnapshotIsOneMomentWhileTheGuestWrites lets the guest write generation after generation, each to the whole range
// at once: a snapshot must never hold two of them.
func TestASnapshotIsOneMomentWhileTheGuestWrites(t *testing.T) {
	const length = 4 * 65536
	l := start(t, twoMachines)
	stop, failed := make(chan struct{}), make(chan error, 1)
	var guest sync.WaitGroup
	guest.Go(func() {
		for generation := byte(0); ; generation++ {
			select {
			case <-stop:
				return
			default:
			}
			content := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{generation}, length))
			request := fmt.Sprintf(`{"machine": "web", "offset": 0, "data_base64": %q}`, content)
			if _, err := operations["write"](l.Lab, []byte(request)); err != nil {
				failed <- err
				return
			}
		}
	})
	var kept []types.ManagedObjectReference
	for range 10 {
		kept = append(kept, l.snap("web"))
	}
	for _, ref := range kept {
		first := l.frozenBytes(ref, length)
		if !bytes.Equal(first, bytes.Repeat(first[:1], length)) {
			t.Errorf("%s holds more than one generation", ref.Value)
		}
		if again := l.frozenBytes(ref, length); !bytes.Equal(first, again) {
			t.Errorf("%s changed", ref.Value)
		}
	}
	close(stop)
	guest.Wait()
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
}

func (l *laboratory) frozenBytes(ref types.ManagedObjectReference, length int64) []byte {
	l.Helper()
	content, err := l.snapshot(ref.Value).Disks[2000].ReadAt(0, length)
	if err != nil {
		l.Fatal(err)
	}
	return content
}
