package vcenter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"keepline.org/simulators/vcenter/internal/config"
)

// inventory is the fixed part: it is built alike at each start, so that its morefs stay the same.
type inventory struct {
	datacenter    *object.Datacenter
	machineFolder types.ManagedObjectReference
	clusters      map[string]types.ManagedObjectReference // name -> root resource pool
	hosts         map[string]types.ManagedObjectReference
	hostPool      map[string]types.ManagedObjectReference // host moref -> root resource pool
	datastores    map[string]types.ManagedObjectReference
}

// nameInstance sets the instance UUID: the configured one, or one made at the first start.
func (l *Lab) nameInstance() error {
	name := filepath.Join(l.stateFolder(), "instance-uuid")
	text, err := os.ReadFile(name)
	identifier := strings.TrimSpace(string(text))
	if err != nil {
		identifier = uuid.NewString()
	}
	if l.config.InstanceUUID != "" {
		identifier = l.config.InstanceUUID
	}
	instance := l.registry.Get(vim25.ServiceInstance).(*simulator.ServiceInstance)
	instance.Content.About.InstanceUuid = identifier
	if err := os.MkdirAll(l.stateFolder(), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(identifier+"\n"), 0o600)
}

func shortVersion(apiVersion string) string {
	parts := strings.Split(apiVersion, ".")
	return strings.Join(parts[:min(3, len(parts))], ".")
}

func (l *Lab) buildInfrastructure() error {
	ctx := context.Background()
	client, err := vim25.NewClient(ctx, l.service)
	if err != nil {
		return err
	}
	datacenter, err := object.NewRootFolder(client).CreateDatacenter(ctx, l.config.Datacenter)
	if err != nil {
		return err
	}
	folders, err := datacenter.Folders(ctx)
	if err != nil {
		return err
	}
	l.home = inventory{
		datacenter:    datacenter,
		machineFolder: folders.VmFolder.Reference(),
		clusters:      map[string]types.ManagedObjectReference{},
		hosts:         map[string]types.ManagedObjectReference{},
		hostPool:      map[string]types.ManagedObjectReference{},
		datastores:    map[string]types.ManagedObjectReference{},
	}
	for _, cluster := range l.config.Clusters {
		if err := l.buildCluster(ctx, folders.HostFolder, cluster); err != nil {
			return err
		}
	}
	if err := l.buildNetworks(ctx, client, folders.NetworkFolder); err != nil {
		return err
	}
	for _, datastore := range l.config.Datastores {
		if err := l.buildDatastore(ctx, client, datastore); err != nil {
			return fmt.Errorf("datastore %s: %w", datastore.Name, err)
		}
	}
	return nil
}

func (l *Lab) buildCluster(ctx context.Context, folder *object.Folder, settings config.Cluster) error {
	cluster, err := folder.CreateCluster(ctx, settings.Name, types.ClusterConfigSpecEx{})
	if err != nil {
		return err
	}
	pool, err := cluster.ResourcePool(ctx)
	if err != nil {
		return err
	}
	l.home.clusters[settings.Name] = pool.Reference()
	for _, name := range settings.Hosts {
		task, err := cluster.AddHost(ctx, types.HostConnectSpec{HostName: name}, true, nil, nil)
		if err != nil {
			return err
		}
		result, err := task.WaitForResult(ctx)
		if err != nil {
			return err
		}
		host := result.Result.(types.ManagedObjectReference)
		l.home.hosts[name], l.home.hostPool[host.Value] = host, pool.Reference()
	}
	return nil
}

// buildNetworks adds one distributed switch with a port group for each configured network; every host has the standard
// network "VM Network" anyway.
func (l *Lab) buildNetworks(ctx context.Context, client *vim25.Client, folder *object.Folder) error {
	settings := &types.VMwareDVSConfigSpec{}
	settings.Name = "DSwitch"
	task, err := folder.CreateDVS(ctx, types.DVSCreateSpec{ConfigSpec: settings})
	if err != nil {
		return err
	}
	result, err := task.WaitForResult(ctx)
	if err != nil {
		return err
	}
	networkSwitch := object.NewDistributedVirtualSwitch(client, result.Result.(types.ManagedObjectReference))
	var members []types.DistributedVirtualSwitchHostMemberConfigSpec
	for _, cluster := range l.config.Clusters {
		for _, host := range cluster.Hosts {
			members = append(members, types.DistributedVirtualSwitchHostMemberConfigSpec{
				Operation: string(types.ConfigSpecOperationAdd), Host: l.home.hosts[host],
			})
		}
	}
	if task, err = networkSwitch.Reconfigure(ctx, &types.DVSConfigSpec{Host: members}); err != nil {
		return err
	}
	if err := task.Wait(ctx); err != nil {
		return err
	}
	var groups []types.DVPortgroupConfigSpec
	for _, name := range l.config.Networks {
		groups = append(groups, types.DVPortgroupConfigSpec{Name: name, Type: "earlyBinding", NumPorts: 8})
	}
	if task, err = networkSwitch.AddPortgroup(ctx, groups); err != nil {
		return err
	}
	return task.Wait(ctx)
}

func (l *Lab) buildDatastore(ctx context.Context, client *vim25.Client, settings config.Datastore) error {
	if err := os.MkdirAll(settings.Folder, 0o700); err != nil {
		return err
	}
	for _, cluster := range l.config.Clusters {
		for _, name := range cluster.Hosts {
			host := object.NewHostSystem(client, l.home.hosts[name])
			system, err := host.ConfigManager().DatastoreSystem(ctx)
			if err != nil {
				return err
			}
			datastore, err := system.CreateLocalDatastore(ctx, settings.Name, settings.Folder)
			if err != nil {
				return err
			}
			if ref := datastore.Reference(); ref.Value != "" { // only the first host's answer names it
				l.home.datastores[settings.Name] = ref
			}
		}
	}
	l.refreshFreeSpace(l.context(), settings.Name)
	return nil
}
