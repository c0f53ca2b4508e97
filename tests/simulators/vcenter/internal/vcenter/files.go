package vcenter

import (
	"bytes"
	"cmp"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// The files of a machine beside its disks: plausible content, not what ESXi would write byte for byte.

// writeDescriptors writes the disk descriptors with their UUID and adapter; the simulator's have neither.
func (l *Lab) writeDescriptors(machine *Machine) {
	machine.mutex.Lock()
	defer machine.mutex.Unlock()
	for _, disk := range machine.disks {
		adapter := disk.Adapter
		if adapter != "ide" && adapter != "buslogic" {
			adapter = "lsilogic" // what ESXi writes for pvscsi, sata and nvme too
		}
		text := fmt.Sprintf("# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=fffffffe\nparentCID=ffffffff\n"+
			"createType=\"vmfs\"\n\n# Extent description\nRW %d VMFS \"%s\"\n\n# The Disk Data Base\n#DDB\n\n"+
			"ddb.adapterType = \"%s\"\nddb.geometry.cylinders = \"%d\"\nddb.geometry.heads = \"255\"\n"+
			"ddb.geometry.sectors = \"63\"\nddb.uuid = \"%s\"\nddb.virtualHWVersion = \"19\"\n",
			disk.Capacity/512, filepath.Base(disk.Flat), adapter, disk.Capacity/512/255/63, disk.UUID)
		if err := os.WriteFile(disk.Descriptor, []byte(text), 0o600); err != nil {
			log.Printf("%s: %v", disk.Descriptor, err)
		}
	}
}

var descriptorUUID = regexp.MustCompile(`(?m)^ddb\.uuid = "(.*)"$`)

// readDescriptorUUID returns the UUID of an existing disk, or a new one.
func readDescriptorUUID(name string) string {
	text, err := os.ReadFile(name)
	if found := descriptorUUID.FindSubmatch(text); err == nil && found != nil {
		return string(found[1])
	}
	return newDiskUUID()
}

// writeConfigurationFile writes the .vmx.
func (l *Lab) writeConfigurationFile(entity *simulator.VirtualMachine) {
	config := entity.Config
	var text strings.Builder
	line := func(key string, value any) { fmt.Fprintf(&text, "%s = \"%v\"\n", key, value) }
	line(".encoding", "UTF-8")
	line("config.version", "8")
	line("virtualHW.version", strings.TrimPrefix(config.Version, "vmx-"))
	line("displayName", entity.Name)
	line("guestOS", config.GuestId)
	line("numvcpus", config.Hardware.NumCPU)
	line("memSize", config.Hardware.MemoryMB)
	line("firmware", cmp.Or(config.Firmware, "bios"))
	line("nvram", entity.Name+".nvram")
	line("uuid.bios", spacedUUID(config.Uuid))
	line("vc.uuid", spacedUUID(config.InstanceUuid))
	line("ctkEnabled", strings.ToUpper(fmt.Sprint(isTrue(config.ChangeTrackingEnabled))))
	for _, disk := range diskDevices(config.Hardware.Device) {
		if info, known := backingOf(disk); known && disk.UnitNumber != nil {
			name := fmt.Sprintf("%s:%d", controllerName(disk.ControllerKey), *disk.UnitNumber)
			line(name+".present", "TRUE")
			line(name+".fileName", filepath.Base(info.file.FileName))
			line(name+".mode", *info.mode)
		}
	}
	if name := l.localFile(config.Files.VmPathName); name != "" {
		if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
			log.Printf("%s: %v", name, err)
		}
	}
}

func controllerName(key int32) string {
	switch {
	case key >= 31000:
		return fmt.Sprintf("nvme%d", key-31000)
	case key >= 15000:
		return fmt.Sprintf("sata%d", key-15000)
	case key >= 1000:
		return fmt.Sprintf("scsi%d", key-1000)
	default:
		return fmt.Sprintf("ide%d", key-200)
	}
}

// spacedUUID is the form a .vmx uses: "56 4d … -.. ..".
func spacedUUID(identifier string) string {
	text := strings.ReplaceAll(identifier, "-", "")
	if len(text) != 32 {
		return identifier
	}
	var pairs []string
	for index := 0; index < len(text); index += 2 {
		pairs = append(pairs, text[index:index+2])
	}
	return strings.Join(pairs[:8], " ") + "-" + strings.Join(pairs[8:], " ")
}

func (l *Lab) nvramFile(entity *simulator.VirtualMachine) string {
	return strings.TrimSuffix(l.localFile(entity.Config.Files.VmPathName), ".vmx") + ".nvram"
}

// removeEmptyNVRAM takes away the file that the simulator makes: a machine that never ran has none.
func (l *Lab) removeEmptyNVRAM(entity *simulator.VirtualMachine) {
	name := l.nvramFile(entity)
	if info, err := os.Stat(name); err == nil && info.Size() == 0 {
		_ = os.Remove(name)
	}
}

// writeNVRAM makes the firmware's memory as a first start does; an existing one stays.
func (l *Lab) writeNVRAM(entity *simulator.VirtualMachine) {
	name := l.nvramFile(entity)
	if info, err := os.Stat(name); err == nil && info.Size() > 0 {
		return
	}
	size := 8684 // as for a BIOS; an EFI machine's is larger
	if entity.Config.Firmware == string(types.GuestOsDescriptorFirmwareTypeEfi) {
		size = 270840
	}
	content := append([]byte("MRVN"), bytes.Repeat([]byte(entity.Config.Uuid), size/36+1)...)[:size]
	if err := os.WriteFile(name, content, 0o600); err != nil {
		log.Printf("%s: %v", name, err)
	}
}

// touchSnapshotFile makes the snapshot's .vmsn.
func (l *Lab) touchSnapshotFile(entity *simulator.VirtualMachine, snapshot *Snapshot) {
	name := l.snapshotFile(entity, snapshot.Ref.Value)
	if err := os.WriteFile(name, []byte(snapshot.Name+"\n"), 0o600); err != nil {
		log.Printf("%s: %v", name, err)
	}
}

func (l *Lab) removeSnapshotFile(entity *simulator.VirtualMachine, moref string) {
	_ = os.Remove(l.snapshotFile(entity, moref)) // a lost one does not matter
}

func (l *Lab) snapshotFile(entity *simulator.VirtualMachine, moref string) string {
	return strings.TrimSuffix(l.localFile(entity.Config.Files.VmPathName), ".vmx") + "-" + moref + ".vmsn"
}
