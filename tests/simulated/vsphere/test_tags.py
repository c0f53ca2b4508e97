from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from appliance.model.policies import Tag
from appliance.vsphere import AttachedTags, VcenterConnection, attached_tags, find_machine, missing_folders
from appliance.vsphere.errors import (
    CertificateMismatchError,
    LoginRefusedError,
    TagsUnreadableError,
    VcenterUnreachableError,
)
from appliance.vsphere.rest import rest_session
from keepline_lab import Disk, Lab, Machine
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MIB, connected

GOLD, SILVER, ODD = Tag("backup", "gold"), Tag("backup", "silver"), Tag("a/b 100%", "x/y:z")
NOBODY = Tag("backup", "nobody")
ASSOCIATION = "rest.tag-association.list-attached-objects-on-tags"


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    """Two machines; `web` is gold and odd, `db` silver. A tag of the same name is in another category."""
    lab = laboratory(*(Machine(name, (Disk(size=MIB),), folder="Production") for name in ("web", "db")))
    for machine, tag in (("web", GOLD), ("web", ODD), ("db", SILVER), ("db", Tag("other", "gold"))):
        lab.control.tag(machine, tag.category, tag.name)
    return lab


def rest_calls(lab: Lab) -> dict[str, int]:
    calls = lab.control.state().calls
    return {name: count for name, count in calls.items() if name.startswith("rest.")}


def by_name(connection: VcenterConnection, attached: AttachedTags) -> dict[str, frozenset[Tag]]:
    morefs = {name: find_machine(connection, name).moref for name in ("web", "db")}
    assert attached.by_machine.keys() <= set(morefs.values())
    return {name: attached.by_machine.get(moref, frozenset()) for name, moref in morefs.items()}


def test_each_machine_has_the_tags_that_hang_on_it_now(lab: Lab) -> None:
    with connected(lab) as connection:
        found = attached_tags(connection, [GOLD, SILVER, ODD])
        assert by_name(connection, found) == {"web": {GOLD, ODD}, "db": {SILVER}}
        assert found.unknown == frozenset()
        lab.control.untag("web", GOLD.category, GOLD.name)
        lab.control.tag("db", GOLD.category, GOLD.name)
        later = attached_tags(connection, [GOLD])
        assert by_name(connection, later) == {"web": frozenset(), "db": {GOLD}}


def test_a_tag_that_nobody_has_is_empty_and_one_that_nobody_made_is_unknown(lab: Lab) -> None:
    lab.control.tag("", NOBODY.category, NOBODY.name)
    wrong = {Tag("backup", "Gold"), Tag("Backup", "gold"), Tag("none", "gold")}
    with connected(lab) as connection:
        assert attached_tags(connection, {NOBODY}) == AttachedTags({}, frozenset())
        assert attached_tags(connection, wrong | {NOBODY}) == AttachedTags({}, frozenset(wrong))
        lab.control.delete_tag(GOLD.category, GOLD.name)
        assert attached_tags(connection, {GOLD}).unknown == {GOLD}


def test_nothing_is_asked_where_no_tag_is_wanted(lab: Lab) -> None:
    with connected(lab) as connection:
        assert attached_tags(connection, ()) == AttachedTags({}, frozenset())
        assert rest_calls(lab) == {}


def test_ten_thousand_tagged_machines_take_one_question_and_the_session_is_given_back(lab: Lab) -> None:
    lab.control.tag_crowd(10_000, GOLD.category, GOLD.name)
    lab.control.tag_crowd(10_000, SILVER.category, SILVER.name)
    with connected(lab) as connection:
        found = attached_tags(connection, [GOLD, SILVER])
    assert len(found.by_machine) == 10_000 + 2
    assert sum(map(len, found.by_machine.values())) == 20_000 + 2
    assert rest_calls(lab) == {
        "rest.session.create": 1,
        "rest.category.list": 1,
        "rest.category.get": 3,
        "rest.tag.list-tags-for-category": 1,
        "rest.tag.get": 2,
        ASSOCIATION: 1,
        "rest.session.delete": 1,
    }
    assert lab.control.state().rest_sessions == 0


def test_many_wanted_tags_are_asked_for_fifty_at_a_time(lab: Lab) -> None:
    tags = [Tag("shelf", str(number)) for number in range(120)]
    for tag in tags:
        lab.control.tag("web", tag.category, tag.name)
    with connected(lab) as connection:
        found = attached_tags(connection, tags)
        assert by_name(connection, found) == {"web": frozenset(tags), "db": frozenset()}
    assert rest_calls(lab)[ASSOCIATION] == 3


def test_another_certificate_than_the_pinned_one_is_refused_before_the_password_leaves(lab: Lab) -> None:
    with connected(lab) as connection:
        pinned = connection.thumbprint_sha256
        shutil.rmtree(lab.folder / "tls")
        lab.restart_vcenter()
        with pytest.raises(CertificateMismatchError, match=pinned):
            attached_tags(connection, [GOLD])
    assert rest_calls(lab) == {}


@pytest.mark.parametrize("call", ["rest.session.create", "rest.category.list", ASSOCIATION])
def test_a_tagging_service_that_is_down_is_an_error_and_the_session_is_given_back(
    lab: Lab, call: str
) -> None:
    lab.control.add_fault(CallFault(call, "http_503"))
    with connected(lab) as connection:
        with pytest.raises(TagsUnreadableError, match="503"):
            attached_tags(connection, [GOLD])
        assert lab.control.state().rest_sessions == 0
        assert by_name(connection, attached_tags(connection, [GOLD])) == {"web": {GOLD}, "db": frozenset()}


def test_a_connection_that_breaks_once_is_made_again(lab: Lab) -> None:
    for call in ("rest.session.create", "rest.tag.get", ASSOCIATION):
        lab.control.add_fault(CallFault(call, "drop"))
    with connected(lab) as connection:
        assert by_name(connection, attached_tags(connection, [GOLD]))["web"] == {GOLD}


def test_a_connection_that_breaks_again_and_again_is_an_error(lab: Lab) -> None:
    lab.control.add_fault(CallFault(ASSOCIATION, "drop", count=100))
    with connected(lab) as connection, pytest.raises(VcenterUnreachableError):
        attached_tags(connection, [GOLD])


def test_a_session_that_vcenter_ends_in_between_is_renewed_once(lab: Lab) -> None:
    with connected(lab) as connection, rest_session(connection) as session:
        categories = session.read(list[str], "cis", "tagging", "category")
        lab.control.terminate_sessions()
        assert session.read(list[str], "cis", "tagging", "category") == categories
        assert rest_calls(lab)["rest.session.create"] == 2
    assert lab.control.state().rest_sessions == 0


def test_a_refused_account_is_told_apart_from_a_service_that_is_down(lab: Lab) -> None:
    with connected(lab) as connection:
        connection.address = replace(connection.address, password="not-the-password")
        with pytest.raises(LoginRefusedError) as caught:
            attached_tags(connection, [GOLD])
        assert "not-the-password" not in str(caught.value)


def test_folders_that_are_not_there_are_told_with_or_without_machines(lab: Lab) -> None:
    there = ("/Datacenter/vm/Production", "/Datacenter/vm/Production/", "/Datacenter/vm", "/Datacenter")
    missing = {"/Datacenter/vm/production", "/Datacenters", "/Datacenter/vm/Production/web", "/Typo"}
    with connected(lab) as connection:
        assert missing_folders(connection, (*there, *missing)) == missing
