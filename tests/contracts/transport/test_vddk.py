from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.model.disk_tasks import VddkAccess
from appliance.model.documents import to_json
from keepline_lab import Disk, LibraryBehaviour, Machine
from keepline_lab.laboratories import StartLab
from tests.contracts.transport.rules import READER_RULES, WRITER_RULES

pytestmark = pytest.mark.simulated

CONTENT = random.Random(5).randbytes(586 * 512) + bytes(8595 * 512) + random.Random(6).randbytes(3 * 512)
MODES = ("nbdssl", "nbd", "hotadd", "san")
RunRule = Callable[..., None]


@pytest.fixture
def run_rule(laboratory: StartLab, tmp_path: Path) -> RunRule:
    """Run a rule in a process that has VDDK: on a snapshot for reading, on the powered-off machine else."""

    def run(rule: str, mode: str, *, reading: bool, version: str = "8.0.3") -> None:
        image = tmp_path / "image.raw"
        image.write_bytes(CONTENT)
        behaviour = LibraryBehaviour(version=version, transports=(mode,))
        power = "on" if reading else "off"
        lab = laboratory(Machine("web-01", (Disk(image=image),), power=power), behaviour=behaviour)
        snapshot = lab.control.create_snapshot("web-01") if reading else None
        disk_path = (
            next(iter(lab.control.state().snapshots[0].files.values()))
            if reading
            else lab.control.machine("web-01").disks[0].file
        )
        address = lab.address
        access = VddkAccess(
            library_folder=str(lab.vddk_folder),
            temporary_folder=str(tmp_path / "temporary"),
            server=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            thumbprint=address.thumbprint_sha1,
            machine=address.machine("web-01").reference,
            snapshot=snapshot,
            transport_modes=mode,
        )
        child = [sys.executable, "-m", "tests.contracts.transport.vddk_child", rule, disk_path, image, "3"]
        result = subprocess.run(
            child,
            input=to_json(access) + b"\n",
            env={"LD_LIBRARY_PATH": str(lab.vddk_folder / "lib64")},
            capture_output=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr.decode()

    return run


@pytest.mark.parametrize("rule", READER_RULES)
def test_vddk_reads_by_the_rules(run_rule: RunRule, rule: str) -> None:
    run_rule(rule, "nbdssl", reading=True)


@pytest.mark.parametrize("mode", MODES)
def test_every_transport_mode_serves_many_threads(run_rule: RunRule, mode: str) -> None:
    run_rule("serves_more_threads_than_it_has_handles", mode, reading=True)


@pytest.mark.parametrize("version", ["6.7.3", "7.0.3", "9.0.1"])
def test_every_version_of_vddk_reads(run_rule: RunRule, version: str) -> None:
    run_rule("can_be_read_after_asking_for_allocation", "nbdssl", reading=True, version=version)


@pytest.mark.parametrize("rule", WRITER_RULES)
def test_vddk_writes_by_the_rules(run_rule: RunRule, rule: str) -> None:
    run_rule(rule, "nbdssl", reading=False)
