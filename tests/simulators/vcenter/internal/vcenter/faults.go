package vcenter

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"keepline.org/simulators/vcenter/internal/rules"
)

// failRequest takes the place of a call that a rule spoils.
type failRequest struct {
	this   types.ManagedObjectReference
	method string
	rule   *rules.Rule
}

// Fail answers with the rule's fault, or with a task that ends in it.
func (s *sidecar) Fail(ctx *simulator.Context, request *failRequest) soap.HasFault {
	fault := faultNamed(request.rule.Fault, request.rule.Message, request.this)
	message := cmp.Or(request.rule.Message, "Injected "+cmp.Or(request.rule.Fault, "fault"))
	if request.rule.Action == rules.Fault || !strings.HasSuffix(request.method, "_Task") {
		return &namedBody{fault: simulator.Fault(message, fault)}
	}
	name := strings.TrimSuffix(request.method, "_Task")
	task := s.run(ctx, job{entity: request.this, name: strings.ToLower(name[:1]) + name[1:]},
		func() (types.AnyType, types.BaseMethodFault) { return nil, fault })
	return &namedBody{Res: &namedResponse{request.method, &task}}
}

// faultNamed makes a fault of a type by its name in the API; an unknown or empty name makes a SystemError.
func faultNamed(name, message string, about types.ManagedObjectReference) types.BaseMethodFault {
	if kind, known := types.TypeFunc()(name); known {
		value := reflect.New(kind)
		if fault, ok := value.Interface().(types.BaseMethodFault); ok {
			fillRequired(value.Elem(), about)
			fault.GetMethodFault().FaultMessage = messages(message)
			return fault
		}
	}
	return &types.SystemError{Reason: message}
}

// fillRequired sets references and enumerations of a fault, which clients cannot read when they are empty.
func fillRequired(fault reflect.Value, about types.ManagedObjectReference) {
	for index := range fault.NumField() {
		field := fault.Field(index)
		switch {
		case field.Type() == reflect.TypeOf(about):
			object := about
			if fault.Type().Field(index).Name == "Task" { // TaskInProgress names some other task
				object = types.ManagedObjectReference{Type: "Task", Value: "task-1"}
			}
			field.Set(reflect.ValueOf(object))
		case field.Kind() == reflect.Struct && fault.Type().Field(index).Anonymous:
			fillRequired(field, about)
		case field.Kind() == reflect.String && field.MethodByName("Values").IsValid():
			if known := field.MethodByName("Values").Call(nil)[0]; known.Len() > 0 {
				field.Set(known.Index(0))
			}
		}
	}
}

func messages(text string) []types.LocalizableMessage {
	if text == "" {
		return nil
	}
	return []types.LocalizableMessage{{Key: "lab.fault", Message: text}}
}

func invalidArgument(property string) types.BaseMethodFault {
	return &types.InvalidArgument{InvalidProperty: property}
}

func systemError(err error) types.BaseMethodFault {
	return &types.SystemError{Reason: err.Error()}
}

// namedBody is an answer to a method that is known by its name only.
type namedBody struct {
	Res   *namedResponse
	fault *soap.Fault
}

func (b *namedBody) Fault() *soap.Fault { return b.fault }

type namedResponse struct {
	method string
	ref    *types.ManagedObjectReference
}

// MarshalXML names the element after the method.
func (r *namedResponse) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	start.Name.Local = r.method + "Response"
	return encoder.EncodeElement(struct {
		Returnval *types.ManagedObjectReference `xml:"returnval,omitempty"`
	}{r.ref}, start)
}
