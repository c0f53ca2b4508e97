from __future__ import annotations

from appliance.vsphere import target_places
from keepline_lab import Datastore, Disk, Machine, VcenterSettings
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MIB, connected

SETTINGS = VcenterSettings(networks=("Isolated",), datastores=(Datastore("fast"), Datastore("large")))


def test_every_place_for_a_restored_machine_is_listed_with_what_it_reaches(laboratory: StartLab) -> None:
    lab = laboratory(Machine("web-01", (Disk(size=MIB),), folder="front end"), settings=SETTINGS)
    with connected(lab) as connection:
        places = target_places(connection)

    assert places.datacenters == ("/Datacenter",)
    assert {"/Datacenter/vm", "/Datacenter/vm/front end"} <= set(places.folders)
    assert not any(folder.startswith("/Datacenter/host") for folder in places.folders)
    assert {"/Datacenter/network/Isolated", "/Datacenter/network/VM Network"} <= set(places.networks)
    assert {one.path.rpartition("/")[2] for one in places.datastores} == {
        "fast",
        "large",
    }
    assert all(0 < one.free <= one.capacity and one.usable for one in places.datastores)
    cluster, *hosts = places.computes
    assert cluster.is_cluster
    assert cluster.path.startswith("/Datacenter/host/")
    assert hosts
    for compute in places.computes:
        assert compute.usable
        assert compute.datastores == {one.path for one in places.datastores}
        assert "/Datacenter/network/Isolated" in compute.networks
        assert places.datacenter_of(compute.path) == "/Datacenter"
