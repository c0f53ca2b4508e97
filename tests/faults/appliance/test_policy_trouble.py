"""Policies as they should not be, from the command line to what the engine makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.model.policies import Selection
from appliance.model.runs import RunState
from appliance.state import PolicyStore, open_database
from keepline_lab import Disk, Lab, Machine, Simulators
from tests.faults.appliance.aftermath import Ledger
from tests.faults.appliance.engine_service import (
    KEEP_ALL,
    ended_run,
    engine_service,
    firings_of,
    miss_a_due_time,
    runs_of,
)
from tests.simulated.appliance.command_line import WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import MACHINE, Installation, result_of
from tests.waiting import wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def ledger(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder = tmp_path_factory.mktemp("policies")
    with Lab.start(folder / "lab", [Machine(MACHINE, (Disk(size=MIB),))], simulators=simulators) as lab:
        yield Ledger(Installation.make(folder / "appliance", lab))


def policies_of(keepline: WarmProcess, ledger: Ledger) -> list[str]:
    listed = keepline(ledger.installation, "policy", "list").document["policies"]
    return [each["policy"]["name"] for each in listed]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--schedule", "0 2 31 2 *", "--vm", "*"), "0 2 31 2 *"),
        (("--schedule", "61 2 * * *", "--vm", "*"), "61"),
        (("--schedule", "every day", "--vm", "*"), "every day"),
        (("--schedule", "0 2 * * *", "--vm", "*", "--zone", "Europe/Atlantis"), "Europe/Atlantis"),
        (("--schedule", "0 2 * * *"), "selection"),
        (("--schedule", "0 2 * * *", "--vm", "*", "--keep-last", "0"), "keep"),
        (("--schedule", "0 2 * * *", "--tag", "no-category"), "no-category"),
    ],
    ids=["31-february", "minute-61", "no-cron", "no-zone", "nothing-selected", "nothing-kept", "no-tag"],
)
def test_policy_that_cannot_be_meant_is_refused_with_what_is_wrong(
    words: tuple[str, ...], said: str, ledger: Ledger, keepline: WarmProcess
) -> None:
    ended = keepline(ledger.installation, "policy", "add", "impossible", *words)

    assert ended.status == 2, ended.output + ended.errors
    assert ended.error["code"] == "KL-1010"
    assert said in ended.error["message"]
    assert ended.error["remedy"]
    assert "impossible" not in policies_of(keepline, ledger)


def test_second_policy_of_a_name_is_refused_and_the_first_stays(
    ledger: Ledger, keepline: WarmProcess
) -> None:
    installation = ledger.installation
    words = ("policy", "add", "twice", "--schedule", "0 2 * * *", "--vm", MACHINE)
    assert keepline(installation, *words).status == 0

    ended = keepline(installation, *words[:3], "--schedule", "0 3 * * *", "--vm", "*")

    assert ended.error["code"] == "KL-1097"
    assert ended.status == 2
    kept = keepline(installation, "policy", "show", "twice").document["policy"]
    assert kept["schedule"]["cron"] == "0 2 * * *"
    assert keepline(installation, "policy", "remove", "twice").status == 0


def test_policy_that_means_no_machine_warns_when_it_is_made_and_when_it_is_due(
    ledger: Ledger, keepline: WarmProcess
) -> None:
    installation = ledger.installation
    words = ("policy", "add", "nobody", "--schedule", "0 2 * * *", "--vm", "no-such-*")
    added = keepline.command(installation, *words).wait()
    assert added.status == 0, added.errors
    assert "no machine" in added.errors
    made = miss_a_due_time(installation, "nobody-due")
    with open_database(installation.settings.state_folder) as database:
        store = PolicyStore(database)
        store.remove(made.name)
        store.add(replace(made, selection=Selection(names=("no-such-*",)), retention=KEEP_ALL))

    with engine_service(keepline, installation) as engine:
        engine.start()
        wait_until(lambda: firings_of(installation, made), "the due time is settled")
        ended = engine.stop()

    (firing,) = firings_of(installation, made)
    assert firing.runs == ()
    assert "a due policy means no machine policy=nobody-due" in ended.errors
    assert runs_of(installation) == []


def test_due_time_is_not_lost_while_vcenter_is_away(
    installation_of: MakeInstallation, keepline: WarmProcess
) -> None:
    """No run: there is no inventory to name its machines. The policy stays due, through a restart too."""
    installation = installation_of(Machine(MACHINE, (Disk(size=MIB),)))
    ledger = Ledger(installation)
    moment = ledger.guest_writes()
    made = miss_a_due_time(installation, "away")
    installation.lab.stop()
    with engine_service(keepline, installation) as engine:
        engine.start()
        engine.wait_until_it_said("policies wait for a vCenter vcenter=vcenter")
        assert firings_of(installation, made) == ()
        engine.stop()
        installation.lab.restart_vcenter()
        assert runs_of(installation) == []

        engine.start()
        wait_until(lambda: firings_of(installation, made), "the due time is settled")
        (firing,) = firings_of(installation, made)
        (queued,) = firing.runs
        run = ended_run(installation, queued)
        engine.stop()

    assert run.state is RunState.SUCCEEDED, run.failure
    ledger.moments[result_of(run).point] = moment
    ledger.check()
