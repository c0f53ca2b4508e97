from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.identifiers import RecoveryPointId
from appliance.model.policies import Tag
from tests.fakes.appliance import Terminal
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.vcenters import machine

ADD = ("policy", "add", "nightly", "--schedule", "30 2 * * mon-fri")
WEB = ("--vm", "web-*")


@pytest.fixture
def terminal(terminal: Terminal) -> Terminal:
    """A command line of Thursday, 1 January 2026, with two machines and a template."""
    terminal.desk.gateway.inventory = [
        machine("web-1", 1),
        machine("db-1", 2),
        machine("web-template", 3, is_template=True),
    ]
    return terminal


def add_points(terminal: Terminal, count: int) -> None:
    of = machine("web-1", 1)
    terminal.desk.catalog.points = [
        replace(
            point(day, image(disk())),
            id=RecoveryPointId(f"p-{day:02}"),
            machine=of.identity,
            machine_name=of.name,
            created_at=datetime(2025, 12, 1, tzinfo=UTC) + timedelta(days=day),
        )
        for day in range(count)
    ]


def test_a_new_policy_says_when_it_is_due_and_what_it_means(terminal: Terminal) -> None:
    answer = terminal.call(*ADD, *WEB, "--zone", "Europe/Paris")
    assert answer.status == 0
    assert answer.output.splitlines() == [
        "nightly: next due 2026-01-01 01:30:00Z",
        "machine      web-1: its name matches web-*",
        "not          web-template: it is a template",
    ]


def test_a_policy_that_means_no_machine_is_made_with_a_warning(terminal: Terminal) -> None:
    answer = terminal.call(*ADD, "--folder", "/DC/vm/Empty")
    assert answer.status == 0
    assert "warning: it means no machine today" in answer.errors


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("policy", "add", "p", "--schedule", "0 0 * * 0", *WEB), "programs disagree"),
        (("policy", "add", "p", "--schedule", "0 0 30 feb *", *WEB), "never comes"),
        ((*ADD, *WEB, "--zone", "Nowhere"), "'Nowhere' is not a time zone"),
        (ADD, "needs a name pattern"),
        ((*ADD, *WEB, "--keep-last", "0"), "newest point always stays"),
    ],
)
def test_a_wrong_word_is_refused_with_code_and_remedy(
    terminal: Terminal, arguments: tuple[str, ...], complaint: str
) -> None:
    answer = terminal.call(*arguments)
    assert answer.status == 2
    assert complaint in answer.errors
    assert "(KL-1010)" in answer.errors
    assert terminal.call("policy", "list", "--json").document == {"policies": []}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("policy", "show", "x"), "KL-1096"),
        (("policy", "remove", "x"), "KL-1096"),
        ((*ADD, *WEB, "--vcenter", "x"), "KL-1091"),
        (("policy", "add", "p", *WEB), "KL-1100"),
    ],
)
def test_what_is_missing_is_said(terminal: Terminal, arguments: tuple[str, ...], code: str) -> None:
    answer = terminal.call(*arguments)
    assert answer.status == 2
    assert f"({code})" in answer.errors


def test_policies_are_listed_shown_and_removed(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB, "--keep-daily", "7", "--keep-monthly", "12")
    terminal.call("policy", "add", "off", "--schedule", "0 * * * *", "--vm", "*", "--disabled")
    listed = terminal.call("policy", "list").output.splitlines()
    assert [" ".join(line.split()) for line in listed] == [
        "POLICY VCENTER SCHEDULE ZONE KEEPS NEXT DUE",
        "nightly main 30 2 * * mon-fri UTC last 1, 7 daily, 12 monthly 2026-01-01 02:30:00Z",
        "off main 0 * * * * UTC last 7 never: it is disabled",
    ]
    shown = terminal.call("policy", "show", "nightly").output
    assert "schedule     30 2 * * mon-fri (UTC)" in shown
    assert "means        web-*" in shown
    assert "machine      web-1: its name matches web-*" in shown

    assert terminal.call("policy", "remove", "nightly").output == "nightly: removed\n"
    left = terminal.call("policy", "list", "--json").document["policies"]
    assert [each["policy"]["name"] for each in left] == ["off"]


def test_a_vcenter_that_is_away_hides_the_machines_but_not_the_policy(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB)
    terminal.desk.gateway.password = "changed"
    answer = terminal.call("policy", "show", "nightly")
    assert answer.status == 0
    assert "next due     2026-01-01 02:30:00Z" in answer.output
    assert "which machines it means cannot be told" in answer.errors
    document = terminal.call("policy", "show", "nightly", "--json").document
    assert document["machines"] is None
    assert document["error"]["code"] == "KL-2003"


def test_a_simulation_tells_runs_and_retention_and_changes_neither(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB, "--keep-last", "4")
    add_points(terminal, 6)
    answer = terminal.call("policy", "simulate", "--days", "5")
    assert [" ".join(line.split()) for line in answer.output.splitlines()] == [
        "WHEN LOCAL TIME POLICY MACHINES",
        "2026-01-01 02:30:00Z Thu 2026-01-01 02:30 nightly web-1",
        "2026-01-02 02:30:00Z Fri 2026-01-02 02:30 nightly web-1",
        "2026-01-05 02:30:00Z Mon 2026-01-05 02:30 nightly web-1",
        "web-1: p-00 of 2025-12-01 00:00:00Z would be retired",
        "web-1: p-01 of 2025-12-02 00:00:00Z would be retired",
        "2 points would be retired, 4 stay",
    ]
    assert terminal.desk.shelf.retired == {}
    assert terminal.call("run", "list", "--json").document["runs"] == []
    document = terminal.call("policy", "simulate", "--days", "5", "--json").document
    assert len(document["plans"]) == 3
    assert [each["id"] for each in document["retention"][0]["plan"]["retire"]] == ["p-00", "p-01"]


def test_retiring_by_hand_holds_a_flood_back_until_it_is_accepted(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB, "--keep-last", "2")
    add_points(terminal, 10)
    held_back = terminal.call("policy", "retire")
    assert held_back.output == "0 points retired, 10 stay\n"
    assert "web-1: nothing is retired: 8 of 10 points would go at once" in held_back.errors
    assert (
        terminal.call("policy", "retire", "--accept-many").output.splitlines()[-1]
        == "8 points retired, 2 stay"
    )
    assert len(terminal.desk.shelf.retired) == 8


def test_a_tag_and_a_consistency_are_said_and_shown(terminal: Terminal) -> None:
    terminal.desk.gateway.tags = {Tag("backup", "gold"): {machine("db-1", 2).moref}}
    answer = terminal.call(*ADD, "--tag", "backup/gold", "--consistency", "application")
    assert answer.status == 0
    assert "machine      db-1: it has the tag backup/gold" in answer.output
    shown = terminal.call("policy", "show", "nightly").output
    assert "means        tag backup/gold" in shown
    assert "consistency  application" in shown


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--tag", "gold"), "KL-1010", "write category/name"),
        (("--consistency", "perfect"), "KL-1100", "perfect"),
    ],
)
def test_a_tag_or_consistency_that_is_none_is_refused(
    terminal: Terminal, words: tuple[str, ...], code: str, complaint: str
) -> None:
    answer = terminal.call(*ADD, *WEB, *words)
    assert answer.status == 2
    assert f"({code})" in answer.errors
    assert complaint in answer.errors


def test_a_mistyped_tag_or_folder_is_warned_about_when_added_and_whenever_shown(terminal: Terminal) -> None:
    typo = ("--tag", "backup/gild", "--folder", "/DC/vm/Typo")
    for answer in (terminal.call(*ADD, *typo), terminal.call("policy", "show", "nightly")):
        assert answer.status == 0
        said = " ".join(answer.errors.split())
        assert "warning: vCenter has no tag backup/gild that this account may see" in said
        assert "warning: vCenter has no folder /DC/vm/Typo" in said
        assert "warning: it means no machine today" in said
    document = terminal.call("policy", "show", "nightly", "--json").document
    assert len(document["warnings"]) == 3
    added = terminal.call("policy", "add", "p", "--schedule", "0 * * * *", *typo, "--json").document
    assert added["warnings"] == document["warnings"]


def test_a_policy_that_meant_nothing_when_it_was_due_is_warned_about_in_the_list(terminal: Terminal) -> None:
    terminal.call(*ADD, "--vm", "nobody")
    assert terminal.call("policy", "list").errors == ""
    terminal.desk.clock.current = datetime(2026, 1, 2, 2, 30, tzinfo=UTC)
    terminal.desk.due_policies.queue_due()
    assert "warning: nightly meant no machine when it was due last" in terminal.call("policy", "list").errors


def test_only_what_is_said_changes(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB, "--keep-daily", "7", "--keep-last", "3", "--accept-missing", "Hard disk 2")
    before = terminal.call("policy", "show", "nightly", "--json").document["policy"]
    answer = terminal.call(
        *("policy", "change", "nightly", "--keep-daily", "14", "--vm", "db-*", "--vm", "web-*"),
        *("--exclude", "web-9", "--consistency", "filesystem", "--name", "daily"),
    )
    assert answer.status == 0
    after = terminal.call("policy", "show", "daily", "--json").document["policy"]
    assert after["selection"]["names"] == ["db-*", "web-*"]
    assert after["selection"]["exclude_names"] == ["web-9"]
    assert after["retention"] == before["retention"] | {"daily": 14}
    assert after["consistency"] == "filesystem"
    same = ("id", "vcenter", "schedule", "active_since", "accepted_disks", "enabled")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}


def test_an_empty_text_takes_all_of_a_kind_away(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB, "--exclude", "web-1")
    terminal.call("policy", "change", "nightly", "--exclude", "")
    policy = terminal.call("policy", "show", "nightly", "--json").document["policy"]
    assert policy["selection"]["exclude_names"] == []
    refused = terminal.call("policy", "change", "nightly", "--vm", "")
    assert refused.status == 2
    assert "needs a name pattern" in refused.errors


def test_what_follows_from_a_change_is_said(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB)
    fewer = terminal.call("policy", "change", "nightly", "--keep-last", "2")
    assert "`keepline policy simulate` lists them now" in " ".join(fewer.errors.split())
    other = terminal.call("policy", "change", "nightly", "--vm", "db-*", "--json").document
    assert "nothing retires them" in other["policy"]["remarks"][0]


def test_a_policy_is_disabled_and_enabled(terminal: Terminal) -> None:
    terminal.call(*ADD, *WEB)
    disabled = terminal.call("policy", "disable", "nightly")
    assert disabled.output == "nightly: disabled\n"
    assert "its retention still keeps its points" in " ".join(disabled.errors.split())
    assert "never: it is disabled" in terminal.call("policy", "list").output
    enabled = terminal.call("policy", "enable", "nightly", "--json").document
    assert enabled["policy"]["policy"]["enabled"] is True
    assert terminal.call("policy", "enable", "x").status == 2
