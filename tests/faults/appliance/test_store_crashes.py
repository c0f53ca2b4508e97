"""The engine is killed at its n-th call to the repository's store; the next command puts everything right."""

from __future__ import annotations

import os
import signal

import pytest

from appliance.model.identifiers import RecoveryPointId
from keepline_lab import Disk, Machine
from tests.faults.appliance.aftermath import Ledger
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, Installation, contents_now

LONG = bool(os.environ.get("KEEPLINE_TEST_LONG"))
KIB = 1024
SHARDS = 4
CRASHES_PER_SHARD = 1_000 if LONG else 2


def back_up(keepline: WarmProcess, ledger: Ledger, *options: str) -> RecoveryPointId:
    ended = keepline(ledger.installation, "backup", MACHINE, *options)
    assert ended.status == 0, ended.output + ended.errors
    return RecoveryPointId(ended.run["result"]["point"])


def calls_of_a_backup(keepline: WarmProcess, ledger: Ledger) -> list[str]:
    """One more backup, and every call its engine makes to the store."""
    moment = ledger.guest_writes()
    started = keepline.command(ledger.installation, "backup", MACHINE, "--json", die_at=0)
    ended = started.wait()
    assert ended.status == 0, ended.errors
    ledger.moments[RecoveryPointId(ended.run["result"]["point"])] = moment
    return (started.folder / "calls").read_text().splitlines()


def crash_and_go_on(keepline: WarmProcess, ledger: Ledger, number: int, *, meddle: bool) -> None:
    """Rule 1: what is resumed is the snapshot's moment, and only while that very snapshot exists."""
    installation = ledger.installation
    before = ledger.guest_writes()
    died = keepline.command(installation, "backup", MACHINE, "--json", die_at=number).wait()
    assert died.status == -signal.SIGKILL, f"call {number}: {died.output}{died.errors}"
    snapshots, pending = ledger.snapshots(), ledger.has_pending_point()
    if meddle:
        for snapshot in snapshots:
            installation.lab.control.remove_snapshot(MACHINE, snapshot.moref)
    after = ledger.guest_writes()

    ended = keepline(installation, "backup", MACHINE)

    assert ended.status == 0, f"call {number}: {ended.output}{ended.errors}"
    point = RecoveryPointId(ended.run["result"]["point"])
    is_resumed = pending or bool(snapshots and not meddle)
    ledger.moments[point] = before if is_resumed else after
    # An engine that died while it took stock had not claimed the run yet.
    assert ended.run["attempt"] == 2 or not (snapshots or pending), f"call {number}"
    ledger.check()


@pytest.fixture
def installation(installation_of: MakeInstallation) -> Installation:
    return installation_of(Machine(MACHINE, (Disk(size=3000 * KIB), Disk(size=700 * KIB + 512))))


@pytest.mark.timeout(7200 if LONG else 300)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engine_killed_at_any_call_to_the_store(
    shard: int, installation: Installation, keepline: WarmProcess
) -> None:
    ledger = Ledger(installation)
    moment = ledger.guest_writes()
    ledger.moments[back_up(keepline, ledger)] = moment
    calls = calls_of_a_backup(keepline, ledger)
    mine = range(1 + shard, len(calls) + 1, SHARDS)
    step = max(1, len(mine) // CRASHES_PER_SHARD)
    for position, number in enumerate(mine[shard % step :: step]):
        crash_and_go_on(keepline, ledger, number, meddle=position % 2 == 1)
    keepline(installation, "repository", "check", "--read-data")


def test_engine_killed_in_two_attempts_and_at_the_first_backup(
    installation: Installation, keepline: WarmProcess
) -> None:
    """The third attempt is the last one that is made; it succeeds."""
    ledger = Ledger(installation)
    ledger.guest_writes()
    for number in (3, 8):
        died = keepline.command(installation, "backup", MACHINE, "--json", die_at=number).wait()
        assert died.status == -signal.SIGKILL, died.errors

    point = back_up(keepline, ledger)

    ledger.moments[point] = contents_now(installation.lab)
    ledger.check()


def test_run_whose_engine_dies_in_every_attempt_fails_and_leaves_nothing(
    installation: Installation, keepline: WarmProcess
) -> None:
    ledger = Ledger(installation)
    ledger.guest_writes()
    for _ in range(3):
        died = keepline.command(installation, "backup", MACHINE, "--json", die_at=8).wait()
        assert died.status == -signal.SIGKILL, died.errors

    ended = keepline(installation, "backup", MACHINE)

    assert ended.error["code"] == "KL-5010"
    assert ended.status == 7
    ledger.moments[back_up(keepline, ledger)] = contents_now(installation.lab)
    ledger.check()
