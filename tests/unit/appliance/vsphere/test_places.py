from __future__ import annotations

from pyVmomi import vim

from appliance.vsphere.places import Places

ROOT = vim.Folder("group-d1")
DATACENTER = vim.Datacenter("datacenter-2")
MACHINES = vim.Folder("group-v3")
WEB = vim.Folder("group-v4")
POOL = vim.ResourcePool("resgroup-5")
APPLICATION = vim.VirtualApp("resgroup-v6")

PLACES = Places(
    {
        "group-d1": {"name": "Datacenters"},
        "datacenter-2": {"name": "DC", "parent": ROOT},
        "group-v3": {"name": "vm", "parent": DATACENTER},
        "group-v4": {"name": "web", "parent": MACHINES},
        "resgroup-v6": {"name": "shop", "parent": POOL, "parentFolder": WEB},
    },
    frozenset({"datacenter-2"}),
)


def test_a_path_begins_below_the_root() -> None:
    assert PLACES.path(WEB) == "/DC/vm/web"
    assert PLACES.path(DATACENTER) == "/DC"
    assert PLACES.path(ROOT) == ""


def test_a_vapp_lies_in_its_folder_not_in_its_pool() -> None:
    assert PLACES.path(APPLICATION) == "/DC/vm/web/shop"


def test_the_folder_of_a_vapp_is_the_one_it_is_listed_under() -> None:
    assert PLACES.folder_of(APPLICATION) == WEB
    assert PLACES.folder_of(WEB) == WEB
    assert PLACES.folder_of(None) is None


def test_the_datacenter_is_found_from_anything_in_it() -> None:
    assert PLACES.datacenter_of(APPLICATION) == DATACENTER
    assert PLACES.datacenter_of(DATACENTER) == DATACENTER
    assert PLACES.datacenter_of(ROOT) is None


def test_the_cluster_of_a_host_is_found_and_a_host_of_its_own_has_none() -> None:
    hosts, cluster = vim.Folder("group-h7"), vim.ClusterComputeResource("domain-c8")
    alone = vim.ComputeResource("domain-s9")
    places = Places(
        {
            **PLACES.entities,
            "group-h7": {"name": "host", "parent": DATACENTER},
            "domain-c8": {"name": "Gold", "parent": hosts},
            "domain-s9": {"name": "esx-9", "parent": hosts},
            "host-10": {"name": "esx-1", "parent": cluster},
            "host-11": {"name": "esx-9", "parent": alone},
        }
    )
    assert places.path(places.cluster_of(vim.HostSystem("host-10"))) == "/DC/host/Gold"
    assert places.cluster_of(vim.HostSystem("host-11")) is None
    assert places.cluster_of(None) is None


def test_what_is_unknown_has_no_name_and_no_path() -> None:
    stranger = vim.Folder("group-v99")
    assert (PLACES.name(stranger), PLACES.path(stranger), PLACES.name(None)) == ("", "", "")


def test_a_loop_in_the_inventory_ends() -> None:
    loop = Places({"group-v4": {"name": "web", "parent": WEB}})
    assert loop.path(WEB).startswith("/web/web")
