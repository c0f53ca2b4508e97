package config

import (
	"cmp"
	"path/filepath"
)

const (
	tebibyte              = 1 << 40
	defaultSessionSeconds = 1800
	defaultAreas          = 2000
	defaultNFCHandles     = 48
)

func (c *Config) complete(fileFolder string) {
	c.Folder = absolute(fileFolder, cmp.Or(c.Folder, "."))
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:0")
	c.Control = cmp.Or(c.Control, "127.0.0.1:0")
	c.Gate = cmp.Or(c.Gate, "127.0.0.1:0")
	c.User = cmp.Or(c.User, "administrator@vsphere.local")
	c.Password = cmp.Or(c.Password, "Keepline-Lab-1!")
	c.TLSFolder = absolute(c.Folder, cmp.Or(c.TLSFolder, "tls"))
	c.APIVersion = cmp.Or(c.APIVersion, "8.0.3.0")
	c.SessionTimeoutSeconds = cmp.Or(c.SessionTimeoutSeconds, defaultSessionSeconds)
	c.MaxChangedAreas = cmp.Or(c.MaxChangedAreas, defaultAreas)
	c.LateTracking = cmp.Or(c.LateTracking, "wrong")
	c.NFCHandlesPerHost = cmp.Or(c.NFCHandlesPerHost, defaultNFCHandles)
	c.Datacenter = cmp.Or(c.Datacenter, "Datacenter")
	if len(c.Clusters) == 0 {
		c.Clusters = []Cluster{{"Cluster", []string{"esx-01.lab", "esx-02.lab"}}}
	}
	if len(c.Networks) == 0 {
		c.Networks = []string{"Production"}
	}
	if len(c.Datastores) == 0 {
		c.Datastores = []Datastore{{Name: "datastore1"}}
	}
	for index := range c.Datastores {
		datastore := &c.Datastores[index]
		folder := cmp.Or(datastore.Folder, filepath.Join("datastores", datastore.Name))
		datastore.Folder = absolute(c.Folder, folder)
		datastore.Capacity = cmp.Or(datastore.Capacity, tebibyte)
		datastore.AllocatedSupported = orTrue(datastore.AllocatedSupported)
	}
	for index := range c.Machines {
		c.Machines[index].complete(c)
	}
}

func (m *Machine) complete(config *Config) {
	m.Power = cmp.Or(m.Power, "off")
	m.Firmware = cmp.Or(m.Firmware, "bios")
	m.GuestID = cmp.Or(m.GuestID, "debian12_64Guest")
	m.Cluster = cmp.Or(m.Cluster, config.Clusters[0].Name)
	m.Tools = cmp.Or(m.Tools, "running")
	m.CPUs = cmp.Or(m.CPUs, 2)
	m.MemoryMiB = cmp.Or(m.MemoryMiB, 2048)
	m.CBTSupported, m.NVRAM = orTrue(m.CBTSupported), orTrue(m.NVRAM)
	if m.Networks == nil {
		m.Networks = []string{"VM Network"}
	}
	for index := range m.Disks {
		disk := &m.Disks[index]
		disk.Controller = cmp.Or(disk.Controller, "pvscsi")
		disk.Mode = cmp.Or(disk.Mode, "persistent")
		disk.Sharing = cmp.Or(disk.Sharing, "none")
		disk.Backing = cmp.Or(disk.Backing, "flat")
		disk.Thin = orTrue(disk.Thin)
		disk.Datastore = cmp.Or(disk.Datastore, config.Datastores[0].Name)
		disk.SectorSize = cmp.Or(disk.SectorSize, 512)
		if disk.Image != "" {
			disk.Image = absolute(config.Folder, disk.Image)
		}
	}
}

func orTrue(value *bool) *bool {
	if value == nil {
		yes := true
		return &yes
	}
	return value
}

func absolute(folder, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(folder, name)
}
