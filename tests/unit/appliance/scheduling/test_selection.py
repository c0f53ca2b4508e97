from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.policies import Selection, Tag
from appliance.scheduling import (
    LeftOutReason,
    SelectedMachines,
    TaggedMachine,
    policies_by_machine,
    select_machines,
)
from tests.fakes.policies import machines, policy, tagged

GOLD = Tag("Backup", "Gold")


def in_folder(name: str, folder: str) -> TaggedMachine:
    (only,) = machines(name)
    return replace(only, machine=replace(only.machine, path=f"{folder}/{name}"))


def names(found: SelectedMachines) -> list[str]:
    return [each.machine.name for each in found.selected]


def test_each_machine_comes_with_the_word_that_brought_it_in() -> None:
    selection = Selection(names=("web-*",), folders=("/DC/vm/Prod",), tags=(GOLD,))
    inventory = [
        replace(tagged("web-1"), machine=replace(tagged("web-1").machine, path="/DC/vm/A/web-1")),
        in_folder("db-1", "/DC/vm/Prod/Databases"),
        tagged("mail", "Backup/Gold"),
        tagged("test", "Backup/Silver"),
    ]
    found = select_machines(selection, inventory)
    assert [(each.machine.name, each.because) for each in found.selected] == [
        ("web-1", "its name matches web-*"),
        ("db-1", "it is in /DC/vm/Prod"),
        ("mail", "it has the tag Backup/Gold"),
    ]
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("web-*", "WEB-01", True),
        ("WEB-0?", "web-01", True),
        ("web-[0-4]*", "web-5", False),
        ("web", "web-1", False),
        ("*", "anything at all", True),
        ("a.b", "axb", False),
        ("straße", "STRASSE", True),
    ],
)
def test_patterns_are_a_shells_in_upper_and_lower_case_alike(pattern: str, name: str, matches: bool) -> None:  # noqa: FBT001 - a table of cases
    assert (names(select_machines(Selection((pattern,)), machines(name))) == [name]) is matches


def test_a_folder_is_no_prefix_of_another_name() -> None:
    selection = Selection(folders=("/DC/vm/Prod/",))
    inventory = [in_folder("a", "/DC/vm/Prod"), in_folder("b", "/DC/vm/Production")]
    assert names(select_machines(selection, inventory)) == ["a"]


def test_a_tag_is_compared_exactly_and_with_its_category() -> None:
    inventory = [tagged("a", "backup/Gold"), tagged("b", "Backup/gold"), tagged("c", "Other/Gold")]
    assert names(select_machines(Selection(tags=(GOLD,)), inventory)) == []


def test_what_has_no_point_worth_having_is_left_out_with_the_reason() -> None:
    (template,) = machines("golden-image")
    (own,) = machines("keepline")
    inventory = [
        replace(template, machine=replace(template.machine, is_template=True)),
        replace(own, machine=replace(own.machine, bios_uuid="42AB")),
        *machines("vCLS-0cb4a3e4-2d28-4ac1-8b6e-1b8a3b2f0a11", "vCLS (3)", "vCLSimulation", "scratch-1"),
    ]
    found = select_machines(Selection(("*",), exclude_names=("scratch*",)), inventory, own_bios_uuid="42ab")
    assert names(found) == ["vCLSimulation"]
    assert {each.machine.name: each.reason for each in found.left_out} == {
        "golden-image": LeftOutReason.TEMPLATE,
        "keepline": LeftOutReason.APPLIANCE,
        "vCLS-0cb4a3e4-2d28-4ac1-8b6e-1b8a3b2f0a11": LeftOutReason.AGENT,
        "vCLS (3)": LeftOutReason.AGENT,
        "scratch-1": LeftOutReason.EXCLUDED,
    }


def test_machines_that_no_word_means_are_not_even_left_out() -> None:
    found = select_machines(Selection(("web-*",), exclude_names=("db*",)), machines("db-1", "vCLS-1"))
    assert found == SelectedMachines((), ())


def test_a_machine_may_be_in_several_policies() -> None:
    first, second = policy("first"), policy("second", selection=Selection(("web-*",)))
    elsewhere = policy("elsewhere", vcenter="other")
    inventory = machines("web-1", "db-1")
    found = policies_by_machine([first, second, elsewhere], {"main": inventory})
    web, database = (each.machine.identity.key for each in inventory)
    assert found == {web: (first, second), database: (first,)}


WORDS = st.text(st.sampled_from("ab-*?"), min_size=1, max_size=4)
NAMES = st.lists(st.text(st.sampled_from("abAB-"), min_size=1, max_size=4), max_size=12, unique=True)


@given(NAMES, st.lists(WORDS, min_size=1).map(tuple), st.lists(WORDS).map(tuple))
def test_excluding_more_never_brings_a_machine_in_and_nobody_is_lost(
    machine_names: list[str], included: tuple[str, ...], excluded: tuple[str, ...]
) -> None:
    inventory = machines(*machine_names)
    without, with_exclusion = (
        select_machines(Selection(included, exclude_names=patterns), inventory) for patterns in ((), excluded)
    )
    assert set(names(with_exclusion)) <= set(names(without))
    left_out = {each.machine.name for each in with_exclusion.left_out}
    assert set(names(with_exclusion)) | left_out == set(names(without))
    assert not set(names(with_exclusion)) & left_out


@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_the_inventory_does_not_matter(machine_names: list[str], random: Random) -> None:
    inventory = machines(*machine_names)
    shuffled = list(inventory)
    random.shuffle(shuffled)
    assert select_machines(Selection(("*",)), shuffled) == select_machines(Selection(("*",)), inventory)
