package vcenter

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// guard stops or mends the calls that the simulator answers wrongly, hangs on or dies of.
func (l *Lab) guard(ctx *simulator.Context, method *simulator.Method) types.BaseMethodFault {
	if ctx.Session == nil && strings.HasPrefix(method.Name, "RetrieveProperties") && l.needsSession(method.Body) {
		return &types.NotAuthenticated{NoPermission: types.NoPermission{Object: &method.This, PrivilegeId: "System.View"}}
	}
	switch request := method.Body.(type) {
	case *types.SearchDatastore_Task: // a task without a spec ends the process
		request.SearchSpec = cmp.Or(request.SearchSpec, &types.HostDatastoreBrowserSearchSpec{})
	case *types.SearchDatastoreSubFolders_Task:
		request.SearchSpec = cmp.Or(request.SearchSpec, &types.HostDatastoreBrowserSearchSpec{})
	case *types.QueryEvents: // without a limit the simulator gives ten events, vCenter a thousand
		request.Filter.MaxCount = cmp.Or(request.Filter.MaxCount, keptEvents)
	case *types.PostEvent:
		if !l.subjectExists(request.EventToPost) {
			return invalidArgument("eventToPost")
		}
	}
	return nil
}

// subjectExists is false for an event about an unknown object: the simulator would panic with the event manager locked,
// and no login, event or alarm call would ever return again.
func (l *Lab) subjectExists(posted types.BaseEvent) bool {
	if event, extended := posted.(*types.EventEx); extended {
		object := types.ManagedObjectReference{Type: event.ObjectType, Value: event.ObjectId}
		if l.registry.Get(object) == nil {
			return false
		}
	}
	machine := posted.GetEvent().Vm
	return machine == nil || l.registry.Get(machine.Vm) != nil
}

// needsSession is false for what a client may read before it logs in: the service instance.
func (l *Lab) needsSession(body any) bool {
	var specs []types.PropertyFilterSpec
	switch request := body.(type) {
	case *types.RetrieveProperties:
		specs = request.SpecSet
	case *types.RetrievePropertiesEx:
		specs = request.SpecSet
	}
	for _, spec := range specs {
		for _, object := range spec.ObjectSet {
			if object.Obj.Type != "ServiceInstance" {
				return true
			}
		}
	}
	return false
}

// Fetch answers a read of an unset property with an empty FetchResponse: the simulator sends another method's response,
// which pyVmomi cannot use. The request's type is internal to govmomi, hence any and reflection.
func (s *sidecar) Fetch(ctx *simulator.Context, request any) (answer soap.HasFault) {
	collector := ctx.Session.Get(s.model.ServiceContent.PropertyCollector)
	ctx.WithLock(collector, func() {
		arguments := []reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)}
		answer = reflect.ValueOf(collector).MethodByName("Fetch").Call(arguments)[0].Interface().(soap.HasFault)
	})
	if _, unset := answer.(*methods.RetrievePropertiesExBody); unset && answer.Fault() == nil {
		return &namedBody{Res: &namedResponse{method: "Fetch"}}
	}
	return answer
}
