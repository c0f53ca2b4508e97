from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.target_places import TargetCompute, TargetDatastore, TargetPlaces
from appliance.services.restore_choices import PlaceChoice, TargetChoices, choices_of
from appliance.services.restore_source import RestoreSource, source_of
from appliance.services.restore_target import resolve_target
from appliance.vsphere import CapturedPlace
from tests.fakes.configurations import configuration_document
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.vcenters import some_places

POINT: RecoveryPoint = point(1, image(disk()))
SOURCE = source_of(POINT, configuration_document(POINT))
CENTERS = st.sampled_from(["/A", "/B"])
NAMES = st.sampled_from(["one", "two", "three"])


@st.composite
def places(draw: st.DrawFn) -> TargetPlaces:
    """Up to two datacenters, in each a folder, and hosts that reach some of the datastores."""
    centers = draw(st.lists(CENTERS, unique=True, min_size=1))
    stores = tuple(
        TargetDatastore(f"{center}/datastore/{name}", 100, draw(st.integers(0, 100)), draw(st.booleans()))
        for center in centers
        for name in draw(st.lists(NAMES, unique=True))
    )
    computes = tuple(
        TargetCompute(
            f"{center}/host/{name}",
            draw(st.booleans()),
            frozenset(each.path for each in stores if each.path.startswith(center) and draw(st.booleans())),
            usable=draw(st.booleans()),
        )
        for center in centers
        for name in draw(st.lists(NAMES, unique=True))
    )
    folders = tuple(f"{center}/vm" for center in centers)
    return TargetPlaces(tuple(centers), folders, computes, stores)


def elsewhere(datacenter: str) -> RestoreSource:
    """A machine of a datacenter that may not be here."""
    place = CapturedPlace(
        datacenter,
        f"{datacenter}/vm",
        f"{datacenter}/host/one/Resources",
        f"{datacenter}/host/one",
        f"{datacenter}/datastore/one",
    )
    return RestoreSource(place, (), ())


def order_of(choices: TargetChoices) -> RestoreMachineRequest:
    """What the form sends when nobody touches it."""
    kind, _, path = choices.compute.chosen.partition(":")
    return RestoreMachineRequest(
        RecoveryPointId("p"),
        "main",
        "copy",
        datastore=choices.datastore.chosen or None,
        folder=choices.folder.chosen or None,
        cluster=path if kind == "cluster" else None,
        host=path if kind == "host" else None,
    )


def values_of(choice: PlaceChoice) -> set[str]:
    offered = {each.value for group in choice.groups for each in group.choices}
    return offered | ({""} if choice.as_it_was else set())


@given(places(), st.sampled_from(["/A", "/B", "/Elsewhere"]))
def test_what_is_chosen_beforehand_is_offered_and_lies_in_one_datacenter(
    found: TargetPlaces, old: str
) -> None:
    source = elsewhere(old)
    choices = choices_of(source, found)
    for choice in (choices.folder, choices.compute, choices.datastore):
        assert choice.chosen in values_of(choice) or not choice.chosen
    target = resolve_target(order_of(choices), source, found)
    paths = [target.folder, *(each.path for each in (target.compute, target.datastore) if each)]

    assert len({found.datacenter_of(path) for path in paths if path}) <= 1


def test_the_old_place_is_the_first_choice_where_it_is_there() -> None:
    choices = choices_of(SOURCE, some_places())

    assert [choice.chosen for choice in (choices.folder, choices.compute, choices.datastore)] == ["", "", ""]
    assert choices.compute.as_it_was is not None
    assert choices.compute.as_it_was.label == "As it was: esx-01 (host in Gold)"
    assert choices.source_networks == ("VM Network",)


def test_elsewhere_a_cluster_and_its_emptiest_datastore_are_chosen() -> None:
    choices = choices_of(elsewhere("/Elsewhere"), some_places())
    target = resolve_target(order_of(choices), elsewhere("/Elsewhere"), some_places())

    assert choices.compute.as_it_was is None
    assert target.failures == ()
    assert target.compute is not None
    assert target.compute.is_cluster
    assert target.datastore is not None
    assert target.datastore.path.endswith("/bulk")


def test_a_host_in_maintenance_is_not_chosen_beforehand_and_refused_where_it_is_meant() -> None:
    known = some_places()
    away = tuple(
        replace(each, usable=each.is_cluster) if "/Gold" in each.path else each for each in known.computes
    )
    known = replace(known, computes=away)
    choices = choices_of(SOURCE, known)

    assert choices.compute.as_it_was is None
    assert choices.compute.chosen == "cluster:/dc/host/Gold"
    as_it_was = RestoreMachineRequest(RecoveryPointId("p"), "main", "copy")
    assert [error.code for error in resolve_target(as_it_was, SOURCE, known).failures] == ["KL-1240"]
