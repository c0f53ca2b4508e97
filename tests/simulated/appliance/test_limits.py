"""How many runs are at work at a time on one host and on one vCenter, as their own records tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from appliance.model.runs import Run, RunPlace, RunState
from appliance.services import BackupOrder, NewVcenter
from keepline_lab import Disk, LibraryBehaviour, Machine
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import VCENTER, Installation, ours_left

MIB = 1 << 20
SLOW = LibraryBehaviour(latency_microseconds={"nbdssl": 400_000, "nbd": 400_000})
OTHER = "other"
HOSTS = ("esx-01.lab", "esx-01.lab", "esx-01.lab", "esx-02.lab", "esx-02.lab")


def machines(prefix: str) -> list[Machine]:
    """Three on the first host, two on the second."""
    return [
        Machine(f"{prefix}-{number}", (Disk(size=2 * MIB),), host=host) for number, host in enumerate(HOSTS)
    ]


def introduce_again(installation: Installation) -> None:
    """The same vCenter under a second name: to the appliance that is another one."""
    address = installation.lab.address
    with installation.open() as appliance:
        appliance.vcenters.add(
            NewVcenter(
                OTHER, address.host, address.port, address.user, address.password, address.thumbprint_sha256
            )
        )


def carried_out(installation: Installation, orders: Iterable[BackupOrder]) -> list[Run]:
    """All runs of these orders, after one engine has worked on them; in the order they were asked for."""
    with installation.open() as appliance, appliance.engine_lock.held():
        runs = [each.run for order in orders for each in appliance.backups.request(order)]
        appliance.make_engine().run_until_ended([run.id for run in runs])
        return [appliance.runs.find(run.id) for run in runs]


def most_at_once(runs: Iterable[Run]) -> int:
    """How many of these runs were at work at the same time, at the worst moment."""
    moments: list[tuple[datetime, int]] = []
    for run in runs:
        assert run.started_at is not None
        assert run.ended_at is not None
        moments += [(run.started_at, 1), (run.ended_at, -1)]
    at_work = most = 0
    for _, step in sorted(moments):  # of one moment, ends before beginnings
        at_work += step
        most = max(most, at_work)
    return most


def test_hosts_and_vcenters_are_never_fuller_than_allowed_and_none_waits_for_another(
    installation_of: MakeInstallation,
) -> None:
    installation = installation_of(
        *machines("a"),
        *machines("b"),
        behaviour=SLOW,
        concurrent_runs=6,
        concurrent_movers=6,
        concurrent_runs_per_vcenter=3,
        concurrent_runs_per_host=2,
    )
    introduce_again(installation)
    for each in (*machines("a"), *machines("b")):
        installation.lab.control.write_random(each.name, 0, 0, 2 * MIB, seed=1)
    orders = [
        BackupOrder(VCENTER, [each.name for each in machines("a")]),
        BackupOrder(OTHER, [each.name for each in machines("b")]),
    ]

    runs = carried_out(installation, orders)

    assert {run.state for run in runs} == {RunState.SUCCEEDED}, [run.failure for run in runs]
    places = {run.place for run in runs}
    assert places == {RunPlace(vcenter, host) for vcenter in (VCENTER, OTHER) for host in HOSTS}
    for place in places:
        assert most_at_once(run for run in runs if run.place == place) <= 2
    for vcenter in (VCENTER, OTHER):
        assert most_at_once(run for run in runs if run.place.vcenter == vcenter) <= 3
    assert most_at_once(runs) > 3, "one vCenter does not wait for the other"
    assert ours_left(installation.lab) == []
