"""A small estate for the console's tests and pictures: machines in every state, points and runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.model.disk_progress import DiskProgress
from appliance.model.documents import to_json
from appliance.model.identifiers import RecoveryPointId
from appliance.model.policies import Policy, Selection
from appliance.model.recovery_points import (
    BlockMapKind,
    BlockMapReference,
    Consistency,
    DiskStatistics,
    ExcludedDisk,
    ObjectReference,
    RecoveryPoint,
)
from appliance.model.results import BackupResult, DiskResult
from appliance.model.runs import Run, RunFailure, RunLogLine, RunOutcome, RunProgress, RunState
from appliance.model.units import GIB, MIB
from appliance.model.virtual_machines import ExclusionReason, MachineIdentity, PowerState, VirtualMachine
from appliance.services import BackupOrder, DiskOrder
from appliance.state import open_database
from tests.fakes.console import ConsoleDesk
from tests.fakes.policies import policy
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

NAMES = ("web-01", "web-02", "sql-prod-01", "sql-prod-02", "mail-01", "files-emea", "build-07", "old-print")
CLUSTERS = ("Gold", "Gold", "Gold", "Gold", "Silver", "Silver", "", "Silver")
FOLDERS = ("Production", "Production", "Production", "Production", "Office", "Office", "Lab", "Office")


@contextmanager
def empty_console(folder: Path, busy_timeout_seconds: float = 15.0) -> Iterator[ConsoleDesk]:
    """An appliance right after `keepline init`: no vCenter, no repository, no run."""
    with open_database(folder, busy_timeout_seconds) as database:
        yield ConsoleDesk(Desk(database, folder))


@contextmanager
def filled_console(folder: Path, busy_timeout_seconds: float = 15.0) -> Iterator[ConsoleDesk]:
    """An appliance in its third week: something runs, something failed, something was never backed up."""
    with empty_console(folder, busy_timeout_seconds) as console:
        desk = console.desk.equipped()
        desk.clock.current = desk.clock.current.replace(month=3, day=18, hour=11, minute=52)
        desk.gateway.inventory = [_machine(number) for number in range(len(NAMES))]
        desk.catalog.points = list(_points(console))
        desk.policy_store.add(_nightly())
        _run_backups(console)
        desk.clock.sleep(8)
        console.services.estate.refresh()
        yield console


def many_machines(console: ConsoleDesk, count: int) -> None:
    """Put that many machines into the vCenter, and read them."""
    console.desk.gateway.inventory = [
        replace(
            machine(f"server-{number:05}", number),
            path=f"/Paris/vm/Rack {number % 40:02}/server-{number:05}",
            cluster=f"/Paris/host/Cluster {number % 40:02}",
        )
        for number in range(count)
    ]
    console.services.estate.refresh()


def machine_key(number: int) -> str:
    """The identity key of the machine with this number."""
    return _machine(number).identity.key


def _machine(number: int) -> VirtualMachine:
    made = machine(NAMES[number], number)
    return replace(
        made,
        path=f"/Paris/vm/{FOLDERS[number]}/{NAMES[number]}",
        host=f"esx-{number % 3 + 1:02}",
        cluster=f"/Paris/host/{CLUSTERS[number]}" if CLUSTERS[number] else "",
        power_state=PowerState.OFF if NAMES[number] == "old-print" else PowerState.ON,
        disks=tuple(
            replace(
                made.disks[0], device_key=2000 + index, label=f"Hard disk {index + 1}", capacity=size * GIB
            )
            for index, size in enumerate((40, 200) if number in (2, 3) else (40,))
        ),
    )


def _nightly() -> Policy:
    """Means all but the laboratory, the old print server and the mail server."""
    selection = Selection(
        folders=("/Paris/vm/Production", "/Paris/vm/Office"), exclude_names=("old-*", "mail-*")
    )
    return policy("nightly", "0 2 * * *", selection=selection)


def _points(console: ConsoleDesk) -> Iterator[RecoveryPoint]:
    """Two weeks of nights; the sixth machine stopped a week ago, the last two have no point."""
    now = console.desk.clock.now()
    for number in (0, 1, 2, 3, 4, 5):
        for night in range(14, 0 if number != 5 else 6, -1):
            made_at = now.replace(hour=2, minute=4) - timedelta(days=night - 1)
            yield _point(_machine(number).identity, number, made_at, night)
    gone = MachineIdentity("vcenter-uuid", "machine-uuid-gone")
    yield replace(
        _point(gone, 0, now - timedelta(days=40), 1),
        machine_name="retired-db",
        machine_path="/Paris/vm/Office/retired-db",
    )


def _point(identity: MachineIdentity, number: int, made_at: datetime, night: int) -> RecoveryPoint:
    images = []
    for each in _machine(number).disks:
        statistics = DiskStatistics(
            read=(night * 37 % 11 + 1) * 90 * MIB, stored=(night * 13 % 7 + 1) * 50 * MIB, unchanged=GIB
        )
        blocks = BlockMapReference(
            BlockMapKind.FULL,
            ObjectReference("k", 1, "d"),
            each.capacity // 4 // 262144,
            RecoveryPointId("p"),
        )
        images.append(replace(image(each), statistics=statistics, block_maps=(blocks,)))
    consistency = Consistency.CRASH if night % 5 == 0 else Consistency.FILESYSTEM
    excluded: tuple[ExcludedDisk, ...] = ()
    if number == 4 and night == 1:
        excluded = (ExcludedDisk(disk(2001), ExclusionReason.INDEPENDENT, accepted=False),)
    return replace(
        point(1, *images),
        id=RecoveryPointId(f"{made_at:%Y%m%dT%H%M%SZ}-{number:04x}{night:04x}"),
        machine=identity,
        machine_name=NAMES[number],
        machine_path=f"/Paris/vm/{FOLDERS[number]}/{NAMES[number]}",
        created_at=made_at,
        consistency=consistency,
        excluded_disks=excluded,
    )


def _run_backups(console: ConsoleDesk) -> None:
    """One run succeeded, one failed, one runs, one waits; a disk restore runs, too."""
    desk = console.desk
    for name in ("web-01", "web-02", "sql-prod-02", "build-07"):
        console.services.backups.request(BackupOrder("main", [name]))
        desk.clock.sleep(1)
    succeeded, failed, running = (_claimed(console) for _ in range(3))
    desk.run_store.finish(succeeded, RunOutcome(RunState.SUCCEEDED, _result(desk)), desk.clock.now())
    failure = RunFailure(
        "KL-2041",
        "snapshot removal on web-02 did not end within 60 minutes",
        "Look at the task in vCenter.",
        3,
    )
    desk.run_store.end_with(failed, RunState.FAILED, failure, desk.clock.now())
    progress = RunProgress(
        (
            DiskProgress("Hard disk 1", 2 * GIB, 1600 * MIB, 900 * MIB, 300 * MIB),
            DiskProgress("Hard disk 2", 9 * GIB, 3 * GIB, 2 * GIB, GIB),
        )
    )
    desk.run_store.save_progress(running, "read", progress)
    for text, warning in (
        ("change tracking names 11.0 GiB since the last point", False),
        ("Hard disk 2: extent at 4.2 GiB was read again after a time-out", True),
    ):
        desk.log.append(running.id, RunLogLine(desk.clock.now(), text, warning))
    order = DiskOrder(desk.catalog.points[0].id, "2000", str(desk.folder / "restored.raw"))
    console.services.restore_plans.start(order, console.services.restore_plans.plan(order).digest)


def _claimed(console: ConsoleDesk) -> Run:
    run = console.desk.run_store.claim_next(console.desk.clock.now())
    assert run is not None
    return run


def _result(desk: Desk) -> str:
    total = DiskStatistics(
        examined=2 * GIB,
        read=2 * GIB,
        stored=600 * MIB,
        deduplicated=GIB,
        zero=100 * MIB,
        unchanged=300 * MIB,
    )
    disk_result = DiskResult(
        "Hard disk 1", 40 * GIB, ReadScope.CHANGED, ScopeReason.TRACKING_VALID, total, "hotadd", 0, 0
    )
    newest = max(each.id for each in desk.catalog.points)
    result = BackupResult(newest, "web-01", Consistency.FILESYSTEM, (disk_result,), (), total, 12.5)
    return to_json(result).decode()
