package vcenter

import (
	"bufio"
	"bytes"
	"container/list"
	"errors"
	"log"
	"os"
	"reflect"
	"sync"
	"unsafe"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// eventJournal keeps the events on disk: a real vCenter's survive a restart, and so does what they tell of a revert.
type eventJournal struct {
	collector types.ManagedObjectReference
	mutex     sync.Mutex
	file      *os.File
}

const (
	keptEvents        = 1000 // what the simulator holds
	longestEventBytes = 4 << 20
	manyCollectors    = 1024 // the simulator never frees those of sessions that ended
)

// openJournal replays the events of earlier processes and writes down those to come.
func (l *Lab) openJournal() error {
	manager := l.registry.EventManager()
	manager.MaxCollector = manyCollectors
	name := l.stateFile("events.jsonl")
	if err := l.replayEvents(manager, name); err != nil {
		return err
	}
	ctx := l.context()
	request := &types.CreateCollectorForEvents{Filter: types.EventFilterSpec{MaxCount: 1}}
	answer := manager.CreateCollectorForEvents(ctx, request).(*methods.CreateCollectorForEventsBody)
	if answer.Fault_ != nil {
		return errors.New(answer.Fault_.String)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	l.journal = &eventJournal{collector: answer.Res.Returnval, file: file}
	return nil
}

// note writes the newest event down when the journal's own collector changes.
func (j *eventJournal) note(collector types.ManagedObjectReference, changes []types.PropertyChange) {
	if collector != j.collector {
		return
	}
	for _, change := range changes {
		page, ok := change.Val.(*types.ArrayOfEvent)
		if !ok || len(page.Event) == 0 {
			continue
		}
		var line bytes.Buffer
		if err := types.NewJSONEncoder(&line).Encode(page.Event[0]); err != nil {
			log.Printf("event: %v", err)
			continue
		}
		j.mutex.Lock()
		_, err := j.file.Write(append(bytes.TrimRight(line.Bytes(), "\n"), '\n'))
		j.mutex.Unlock()
		logFailure("event", err)
	}
}

func (l *Lab) replayEvents(manager *simulator.EventManager, name string) error {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var events []types.BaseEvent
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, longestEventBytes)
	for scanner.Scan() {
		var event types.AnyType
		if err := types.NewJSONDecoder(bytes.NewReader(scanner.Bytes())).Decode(&event); err != nil {
			continue // the last line of a killed process
		}
		if known := eventOf(event); known != nil {
			events = append(events, known)
		}
	}
	continueHistory(manager, events[max(0, len(events)-keptEvents):])
	return scanner.Err()
}

func eventOf(decoded types.AnyType) types.BaseEvent {
	if event, ok := decoded.(types.BaseEvent); ok {
		return event
	}
	if decoded == nil {
		return nil
	}
	pointer := reflect.New(reflect.TypeOf(decoded))
	pointer.Elem().Set(reflect.ValueOf(decoded))
	event, _ := pointer.Interface().(types.BaseEvent)
	return event
}

// continueHistory puts old events into the manager's history without triggering alarms again, and lets its keys go on
// after theirs: a client that remembers the last key must not see old keys again. Both are private to the simulator.
func continueHistory(manager *simulator.EventManager, events []types.BaseEvent) {
	fields := reflect.ValueOf(manager).Elem()
	key := (*int32)(unsafe.Pointer(fields.FieldByName("key").UnsafeAddr()))
	page := *(**list.List)(unsafe.Pointer(fields.FieldByName("history").Elem().FieldByName("page").UnsafeAddr()))
	old := list.New()
	for _, event := range events {
		old.PushBack(event)
		*key = max(*key, event.GetEvent().Key)
	}
	page.PushFrontList(old)
}
