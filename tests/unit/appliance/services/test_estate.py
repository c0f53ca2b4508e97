from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.policies import Selection
from appliance.model.runs import Run, RunFailure, RunKind, RunState
from appliance.services import BackupOrder, EstateReader, ListWish, Protection, page_of, sites_of
from tests.fakes.console import ConsoleDesk
from tests.fakes.policies import policy
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine


@pytest.fixture
def console(desk: Desk) -> ConsoleDesk:
    """Three machines of one vCenter; the first has a point of the clock's first hour."""
    desk.equipped()
    desk.gateway.inventory = [machine("web", 1), machine("mail", 2), machine("base", 3, is_template=True)]
    made = point(1, image(disk()))
    desk.catalog.points = [replace(made, machine=desk.gateway.inventory[0].identity)]
    desk.clock.sleep(2 * 3600)
    return ConsoleDesk(desk)


def read(console: ConsoleDesk) -> EstateReader:
    console.services.estate.refresh()
    return console.services.estate


def backup_of(console: ConsoleDesk, name: str, state: RunState) -> Run:
    """A backup of that machine, requested and ended now."""
    (requested,) = console.services.backups.request(BackupOrder("main", [name]))
    run = console.desk.run_store.claim_next(console.desk.clock.now())
    assert run is not None
    assert run.kind is RunKind.BACKUP
    failure = RunFailure("KL-2011", "busy", "wait", 3)
    console.desk.run_store.end_with(run, state, failure, console.desk.clock.now())
    return requested.run


def test_every_machine_but_templates_is_there_with_its_newest_point(console: ConsoleDesk) -> None:
    estate = read(console).current()

    assert [(each.name, each.protection) for each in estate.machines] == [
        ("mail", Protection.NEVER),
        ("web", Protection.UNPLANNED),
    ]
    assert estate.machines[1].newest_point == "point-001"
    assert estate.machines[1].point_count == 1


def test_a_due_time_that_brought_no_point_makes_the_machine_late(console: ConsoleDesk) -> None:
    console.desk.policy_store.add(policy(cron="0 2 * * *", selection=Selection(names=("web",))))
    assert read(console).current().count_of(Protection.LATE) == 0

    console.desk.clock.sleep(26 * 3600)
    reader = read(console)
    web = reader.current().machines[1]
    assert (web.protection, web.policies) == (Protection.LATE, ("nightly",))
    assert web.overdue_since == datetime(2026, 1, 2, 2, tzinfo=UTC)

    console.services.policies.disable("nightly")
    console.desk.clock.sleep(1)
    reader.refresh_where_due()
    assert reader.current().machines[1].protection is Protection.UNPLANNED


def test_a_machine_that_a_policy_means_since_a_moment_waits_for_its_next_due_time(
    console: ConsoleDesk,
) -> None:
    console.desk.clock.sleep(26 * 3600)
    reader = read(console)
    console.desk.policy_store.add(policy(cron="0 2 * * *", selection=Selection(names=("mail",))))
    reader.refresh_where_due()
    assert reader.current().machines[0].protection is Protection.WAITING

    console.desk.clock.sleep(24 * 3600)
    reader.refresh_where_due()
    assert reader.current().machines[0].protection is Protection.LATE


def test_a_failed_backup_shows_until_a_newer_point_is_there(console: ConsoleDesk) -> None:
    failed = backup_of(console, "web", RunState.FAILED)
    web = read(console).current().machines[1]
    assert (web.protection, web.failed_run) == (Protection.FAILED, failed.id)

    newer = replace(console.desk.catalog.points[0], id="point-009", created_at=console.desk.clock.now())
    console.desk.catalog.points.append(newer)
    web = read(console).current().machines[1]
    assert (web.protection, web.failed_run) == (Protection.UNPLANNED, None)


def test_a_cancelled_backup_is_no_failure(console: ConsoleDesk) -> None:
    backup_of(console, "web", RunState.CANCELLED)

    assert read(console).current().machines[1].protection is Protection.UNPLANNED


def test_a_machine_that_left_vcenter_is_still_there_with_its_points(console: ConsoleDesk) -> None:
    del console.desk.gateway.inventory[0]
    gone = read(console).current().machines[1]

    assert (gone.name, gone.protection, gone.is_in_vcenter) == ("web", Protection.GONE, False)


def test_a_vcenter_that_does_not_answer_keeps_its_last_machines(console: ConsoleDesk) -> None:
    before = read(console).current()
    console.desk.gateway.host = "elsewhere"
    console.desk.gateway.password = "changed"
    console.desk.clock.sleep(60)
    after = read(console).current()

    assert after.machines == before.machines
    assert after.vcenters[0].failure is not None
    assert after.vcenters[0].failure.code == "KL-2003"
    since = after.vcenters[0].failure.since
    console.desk.clock.sleep(60)
    failure = read(console).current().vcenters[0].failure
    assert failure is not None
    assert failure.since == since


def test_a_removed_vcenter_takes_its_machines_along(console: ConsoleDesk) -> None:
    reader = read(console)
    console.services.vcenters.remove("main")
    reader.refresh_where_due()

    assert [each.protection for each in reader.current().machines] == [Protection.GONE]


def test_a_repository_that_cannot_be_read_keeps_what_was_known(console: ConsoleDesk) -> None:
    reader = read(console)
    before = reader.current().machines
    console.index.fails = True
    reader.refresh()

    assert reader.current().points_failure is not None
    assert reader.current().machines == before


def test_what_is_fresh_is_not_read_again(console: ConsoleDesk) -> None:
    reader = read(console)
    log_ins = len(console.desk.gateway.addresses)
    console.desk.clock.sleep(60)
    reader.refresh_where_due()
    assert len(console.desk.gateway.addresses) == log_ins

    console.desk.clock.sleep(timedelta(minutes=5).total_seconds())
    reader.refresh_where_due()
    assert len(console.desk.gateway.addresses) == log_ins + 1


def test_a_manifest_is_read_once(console: ConsoleDesk) -> None:
    read(console)
    read(console)

    assert console.index.reads == ["point-001"]


def test_a_damaged_newest_point_gives_way_to_the_one_before(console: ConsoleDesk) -> None:
    newer = replace(console.desk.catalog.points[0], id="point-009", created_at=console.desk.clock.now())
    console.desk.catalog.points.append(newer)
    console.index.damaged.add(newer.id)

    web = read(console).current().machines[1]
    assert (web.newest_point, web.point_count) == ("point-001", 2)


def test_the_list_matches_every_word_in_name_path_or_host(console: ConsoleDesk) -> None:
    estate = read(console).current()

    assert [each.name for each in page_of(estate, ListWish(words="MAIL esx")).machines] == ["mail"]
    assert page_of(estate, ListWish(words="mail web")).matching == 0
    assert page_of(estate, ListWish(protection=Protection.UNPLANNED)).machines[0].name == "web"
    assert page_of(estate, ListWish(vcenter="other")).matching == 0


def test_a_page_past_the_end_is_the_last_one(console: ConsoleDesk) -> None:
    page = page_of(read(console).current(), ListWish(page=9, rows=1))

    assert (page.page, page.pages, page.first, page.last) == (2, 2, 2, 2)
    assert [each.name for each in page.machines] == ["web"]


def test_an_empty_list_has_one_empty_page(console: ConsoleDesk) -> None:
    page = page_of(read(console).current(), ListWish(words="nothing has this name"))

    assert (page.machines, page.pages, page.first, page.last) == ((), 1, 0, 0)


def test_clusters_say_how_many_of_theirs_need_a_hand(console: ConsoleDesk) -> None:
    web, mail, base = console.desk.gateway.inventory
    console.desk.gateway.inventory = [replace(web, cluster="/DC/host/Gold"), mail, base]
    gold, alone = sites_of(read(console).current())

    assert (gold.site, gold.name, len(gold.machines), gold.to_fix) == ("/DC/host/Gold", "Gold", 1, 1)
    assert (alone.site, alone.is_cluster) == ("esx-1", False)


def test_a_cluster_shows_those_in_trouble_first(console: ConsoleDesk) -> None:
    console.desk.policy_store.add(policy(selection=Selection(names=("web",))))
    (site,) = sites_of(read(console).current())

    assert [each.name for each in site.worst_first(2)] == ["mail", "web"]
    assert [each.name for each in site.worst_first(1)] == ["mail"]
