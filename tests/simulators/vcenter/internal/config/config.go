// Package config reads the file that describes one simulated vCenter.
package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Config is the whole file. Relative paths are meant from the file's folder.
type Config struct {
	Folder                string      `json:"folder"` // of the lab; default: where the file lies
	Listen                string      `json:"listen"`
	Control               string      `json:"control"`
	Gate                  string      `json:"gate"`
	User                  string      `json:"user"`
	Password              string      `json:"password"`
	TLSFolder             string      `json:"tls"`
	APIVersion            string      `json:"api_version"`
	InstanceUUID          string      `json:"instance_uuid"`
	SessionTimeoutSeconds float64     `json:"session_timeout_seconds"`
	MaxChangedAreas       int         `json:"max_changed_areas"`
	GranularityBytes      int64       `json:"granularity_bytes"` // 0: by the disk's size
	LateTracking          string      `json:"late_tracking"`     // wrong (as vSphere) | correct
	NFCHandlesPerHost     int         `json:"nfc_handles_per_host"`
	Datacenter            string      `json:"datacenter"`
	Clusters              []Cluster   `json:"clusters"`
	Networks              []string    `json:"networks"`
	Datastores            []Datastore `json:"datastores"`
	Machines              []Machine   `json:"machines"`
}

// Cluster is a cluster with its hosts.
type Cluster struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"`
}

// Datastore is a folder that all hosts see.
type Datastore struct {
	Name               string `json:"name"`
	Folder             string `json:"folder"`
	Capacity           int64  `json:"capacity"`
	AllocatedSupported *bool  `json:"allocated_supported"`
}

// Machine is a virtual machine made at the first start.
type Machine struct {
	Name           string   `json:"name"`
	Power          string   `json:"power"` // on | off
	InstanceUUID   string   `json:"instance_uuid"`
	BIOSUUID       string   `json:"bios_uuid"`
	Firmware       string   `json:"firmware"` // bios | efi
	GuestID        string   `json:"guest_id"`
	Folder         string   `json:"folder"`
	Cluster        string   `json:"cluster"`
	Host           string   `json:"host"`
	ChangeTracking bool     `json:"change_tracking"`
	CBTSupported   *bool    `json:"cbt_supported"`
	NVRAM          *bool    `json:"nvram"`
	Template       bool     `json:"template"`
	Tools          string   `json:"tools"` // running | not_running | not_installed
	CPUs           int32    `json:"cpus"`
	MemoryMiB      int64    `json:"memory_mib"`
	Annotation     string   `json:"annotation"`
	Disks          []Disk   `json:"disks"`
	Networks       []string `json:"networks"`
}

// Disk is one virtual disk.
type Disk struct {
	Label      string `json:"label"`
	Size       int64  `json:"size"` // bytes; 0: as the image
	Image      string `json:"image"`
	MoveImage  bool   `json:"move_image"` // take the file itself instead of a clone
	Controller string `json:"controller"` // pvscsi | lsilogic | lsilogic-sas | buslogic | ide | sata | nvme
	Mode       string `json:"mode"`
	Sharing    string `json:"sharing"` // none | multi_writer
	Backing    string `json:"backing"` // flat | rdm_physical | rdm_virtual
	UUID       string `json:"uuid"`
	Thin       *bool  `json:"thin"`
	Datastore  string `json:"datastore"`
	SectorSize int    `json:"sector_size"`
}

// Read reads, completes and checks a configuration file.
func Read(name string) (*Config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	config := new(Config)
	if err := decoder.Decode(config); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	folder, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	config.complete(folder)
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return config, nil
}

func (c *Config) check() error {
	var problems []error
	for _, address := range []string{c.Listen, c.Control, c.Gate} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			problems = append(problems, fmt.Errorf("%q is not a loopback address with a port", address))
		}
	}
	names := map[string]bool{}
	for _, machine := range c.Machines {
		if machine.Name == "" || names[machine.Name] {
			problems = append(problems, fmt.Errorf("machine name %q is empty or comes twice", machine.Name))
		}
		names[machine.Name] = true
		problems = append(problems, machine.check(c)...)
	}
	if c.LateTracking != "wrong" && c.LateTracking != "correct" {
		problems = append(problems, fmt.Errorf("late_tracking is %q", c.LateTracking))
	}
	return errors.Join(problems...)
}

func (m *Machine) check(config *Config) []error {
	var problems []error
	note := func(what, value string, allowed ...string) {
		for _, one := range allowed {
			if one == value {
				return
			}
		}
		problems = append(problems, fmt.Errorf("machine %s: %s %q is none of %q", m.Name, what, value, allowed))
	}
	note("power", m.Power, "on", "off")
	note("firmware", m.Firmware, "bios", "efi")
	note("tools", m.Tools, "running", "not_running", "not_installed")
	for _, disk := range m.Disks {
		note("controller", disk.Controller, "pvscsi", "lsilogic", "lsilogic-sas", "buslogic", "ide", "sata", "nvme")
		note("mode", disk.Mode, "persistent", "independent_persistent", "independent_nonpersistent")
		note("sharing", disk.Sharing, "none", "multi_writer")
		note("backing", disk.Backing, "flat", "rdm_physical", "rdm_virtual")
		note("datastore", disk.Datastore, config.datastoreNames()...)
		if disk.Size < 0 || disk.Size%512 != 0 || disk.Size == 0 && disk.Image == "" {
			problems = append(problems, fmt.Errorf("machine %s: a disk's size is %d", m.Name, disk.Size))
		}
		if disk.SectorSize != 512 && disk.SectorSize != 4096 {
			problems = append(problems, fmt.Errorf("machine %s: sector_size %d", m.Name, disk.SectorSize))
		}
	}
	return problems
}

func (c *Config) datastoreNames() []string {
	var names []string
	for _, datastore := range c.Datastores {
		names = append(names, datastore.Name)
	}
	return names
}
