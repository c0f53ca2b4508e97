from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.model.identifiers import InstallationId, ManagedObjectId, RunId
from appliance.model.runs import Run, RunKind, RunLogLine, RunState
from appliance.state import (
    Database,
    InstallationStore,
    JournalEntry,
    JournalKind,
    JournalStore,
    RepositoryNameTakenError,
    RepositoryNotFoundError,
    RepositoryStore,
    RunLogStore,
    RunStore,
    StoredRepository,
    StoredVcenter,
    VcenterExistsError,
    VcenterNotFoundError,
    VcenterStore,
)

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
RUN = RunId("20260101T123015Z-00000001")
VCENTER = StoredVcenter("main", "vc.example", 443, "backup@vsphere.local", "AB:CD", b"\x00sealed")


@pytest.fixture
def run(database: Database) -> RunId:
    request = Run(RUN, RunKind.BACKUP, "machine", "web-01", RunState.QUEUED, NOW, "{}")
    return RunStore(database).request(request).run.id


def test_the_first_proposed_installation_id_stays(database: Database) -> None:
    store = InstallationStore(database)

    assert store.find() is None
    assert store.find_or_create(InstallationId("a")) == "a"
    assert store.find_or_create(InstallationId("b")) == "a"


def test_an_adopted_installation_id_replaces_the_own_one(database: Database) -> None:
    store = InstallationStore(database)
    store.find_or_create(InstallationId("a"))
    store.adopt(InstallationId("b"))
    assert store.find() == "b"


def test_a_vcenter_is_found_again_field_by_field_until_it_is_removed(database: Database) -> None:
    store = VcenterStore(database)
    store.put(VCENTER)

    assert store.find("main") == VCENTER
    assert store.list() == [VCENTER]
    store.remove("main")
    assert store.list() == []


def test_a_vcenter_at_its_address_gets_a_new_password_and_certificate(database: Database) -> None:
    store = VcenterStore(database)
    store.put(VCENTER)
    changed = replace(VCENTER, user="other", thumbprint="EF:01", sealed_password=b"new")
    store.put(changed)
    assert store.list() == [changed]


@pytest.mark.parametrize("elsewhere", [replace(VCENTER, host="vc2.example"), replace(VCENTER, port=8443)])
def test_a_vcenters_name_is_never_moved_to_another_address(
    database: Database, elsewhere: StoredVcenter
) -> None:
    store = VcenterStore(database)
    store.put(VCENTER)
    with pytest.raises(VcenterExistsError, match=r"vc\.example:443"):
        store.put(elsewhere)
    assert store.list() == [VCENTER]


def test_an_unknown_vcenter_is_neither_found_nor_removed(database: Database) -> None:
    store = VcenterStore(database)
    with pytest.raises(VcenterNotFoundError, match="other"):
        store.find("other")
    with pytest.raises(VcenterNotFoundError, match="other"):
        store.remove("other")


def test_a_vcenter_shows_no_sealed_password() -> None:
    assert "sealed" not in repr(VCENTER)


def test_a_repository_may_be_added_again_at_the_same_place_only(database: Database) -> None:
    store = RepositoryStore(database)
    store.add(StoredRepository("default", "/backup"))
    store.add(StoredRepository("default", "/backup"))

    assert store.find() == StoredRepository("default", "/backup")
    with pytest.raises(RepositoryNameTakenError, match="/elsewhere"):
        store.add(StoredRepository("default", "/elsewhere"))


def test_without_a_repository_the_error_says_so(database: Database) -> None:
    with pytest.raises(RepositoryNotFoundError):
        RepositoryStore(database).find()


def test_log_lines_come_back_in_order_and_from_where_one_left_off(database: Database, run: RunId) -> None:
    store = RunLogStore(database)
    lines = [RunLogLine(NOW, f"line {n}", warning=n == 2) for n in range(4)]
    for line in lines:
        store.append(run, line)

    assert store.lines(run) == lines
    assert store.lines(run, skip=3) == lines[3:]
    assert store.lines(RunId("another")) == []


def test_an_announced_change_stays_open_until_it_is_closed(database: Database, run: RunId) -> None:
    store = JournalStore(database)
    entry = JournalEntry(JournalKind.SNAPSHOT, run, "main", ManagedObjectId("vm-1"), f"Keepline {run}")
    number = store.open(entry, NOW)

    (found,) = store.open_entries()
    assert (found.kind, found.run, found.vcenter, found.machine, found.marker) == (
        JournalKind.SNAPSHOT,
        run,
        "main",
        "vm-1",
        f"Keepline {run}",
    )
    assert found.number == number
    store.close(number, NOW)
    store.close(number, NOW)
    assert store.open_entries() == []


def test_open_entries_of_a_run_are_its_own_oldest_first(database: Database, run: RunId) -> None:
    other = Run(RunId("other"), RunKind.VERIFY, "p", "p", RunState.QUEUED, NOW, "{}")
    RunStore(database).request(other)
    store = JournalStore(database)
    kinds = [JournalKind.ACCESS, JournalKind.SNAPSHOT]
    for kind in kinds:
        store.open(JournalEntry(kind, run, "main", ManagedObjectId("vm-1"), "mark"), NOW)
    store.open(JournalEntry(JournalKind.MACHINE, other.id, "main", ManagedObjectId(""), "mark"), NOW)

    assert [entry.kind for entry in store.open_entries_of(run)] == kinds
    assert len(store.open_entries()) == 3


def test_an_entrys_details_can_be_completed_after_the_call(database: Database, run: RunId) -> None:
    store = JournalStore(database)
    number = store.open(JournalEntry(JournalKind.MACHINE, run, "main", ManagedObjectId(""), "mark"), NOW)
    store.amend(number, '{"moref":"vm-9"}')
    assert store.open_entries()[0].details == '{"moref":"vm-9"}'
