package vcenter

import (
	"cmp"
	"fmt"
	"log"
	"runtime/debug"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// job describes a task: on what, and how the API calls it.
type job struct {
	entity      types.ManagedObjectReference
	name        string // the method without _Task: createSnapshot
	description string // descriptionId; default TYPE.name
	silent      bool   // posts no TaskEvent
}

// run starts a task. The entity's lock is held while work runs, and shared with ctx.
func (l *Lab) run(
	ctx *simulator.Context, job job, work func() (types.AnyType, types.BaseMethodFault),
) types.ManagedObjectReference {
	task := simulator.CreateTask(job.entity, job.name+"Task",
		func(task *simulator.Task) (result types.AnyType, fault types.BaseMethodFault) {
			defer func() { // the simulator would end the process
				if reason := recover(); reason != nil {
					log.Printf("task %s: %v\n%s", job.name, reason, debug.Stack())
					fault = &types.SystemError{Reason: fmt.Sprint(reason)}
				}
			}()
			if !job.silent {
				l.post(ctx, &types.TaskEvent{Info: task.Info}, job.entity, "Task: "+task.Info.Name)
			}
			return work()
		})
	task.Info.DescriptionId = cmp.Or(job.description, task.Info.DescriptionId)
	if ctx.Session != nil {
		task.Info.Reason = &types.TaskReasonUser{UserName: ctx.Session.UserName}
	}
	if machine := l.machine(job.entity.Value); machine != nil {
		task.Info.EntityName = machine.name
	}
	return task.Run(ctx)
}

// wait blocks until a task that the simulator runs has ended and returns how.
func (l *Lab) wait(ref types.ManagedObjectReference) (types.AnyType, types.BaseMethodFault) {
	task := l.registry.Get(ref).(*simulator.Task)
	task.Wait()
	if task.Info.Error != nil {
		return nil, task.Info.Error.Fault
	}
	return task.Info.Result, nil
}
