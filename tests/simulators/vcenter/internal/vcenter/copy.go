package vcenter

import (
	"bytes"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// copyOf copies a data object of the API deeply, through XML: the types of its interface fields go along.
func copyOf(source, destination any) error {
	text, err := xml.Marshal(source)
	if err != nil {
		return err
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.TypeFunc = types.TypeFunc()
	return decoder.Decode(destination)
}
