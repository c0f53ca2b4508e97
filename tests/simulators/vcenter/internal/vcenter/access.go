package vcenter

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/gate"
)

// hold keeps a machine from being relocated, on behalf of a backup product.
func (l *Lab) hold(machine *Machine, identity string) error {
	machine.mutex.Lock()
	if holder := machine.hold; holder != nil && holder.Identity != identity {
		machine.mutex.Unlock()
		return gate.Refuse(codeHeld, "%s is held by %q since %s", machine.Ref.Value, holder.Identity,
			holder.Since.Format(time.RFC3339))
	}
	if machine.hold == nil {
		machine.hold = &Hold{identity, time.Now().UTC()}
	}
	machine.mutex.Unlock()
	l.showHold(machine)
	return nil
}

// release ends a hold; ending one that does not exist is no error.
func (l *Lab) release(machine *Machine, identity string) error {
	machine.mutex.Lock()
	if holder := machine.hold; holder != nil && holder.Identity != identity {
		machine.mutex.Unlock()
		return gate.Refuse(codeHeld, "%s is held by %q, not by %q", machine.Ref.Value, holder.Identity, identity)
	}
	machine.hold = nil
	machine.mutex.Unlock()
	l.showHold(machine)
	return nil
}

// showHold makes the API show and enforce the hold.
func (l *Lab) showHold(machine *Machine) {
	l.onEntity(machine, func(ctx *simulator.Context, entity *simulator.VirtualMachine) {
		machine.mutex.Lock()
		disabled := []string{}
		if machine.hold != nil {
			disabled = append(disabled, "RelocateVM_Task")
		}
		machine.mutex.Unlock()
		ctx.Update(entity, []types.PropertyChange{{Name: "disabledMethod", Val: disabled}})
		l.save(machine)
	})
}

// onEntity runs work with the API's object of a machine locked.
func (l *Lab) onEntity(machine *Machine, work func(*simulator.Context, *simulator.VirtualMachine)) {
	if entity := l.entity(machine); entity != nil {
		ctx := l.context()
		ctx.WithLock(entity, func() { work(ctx, entity) })
	}
}
