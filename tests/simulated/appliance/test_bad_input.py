"""What bad input gets: a stable code, an exit status, a remedy, and nothing half done."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.model.identifiers import RepositoryId
from appliance.repository.identity import RepositoryIdentity
from appliance.repository.layout import BLOCK_DIGEST
from appliance.repository.sealed_documents import seal_document
from keepline_lab import Disk, Lab, LibraryBehaviour, Machine, Simulators
from tests.simulated.appliance.command_line import Ended, WarmProcess
from tests.simulated.appliance.conftest import MakeInstallation
from tests.simulated.appliance.installation import (
    MACHINE,
    VCENTER,
    Installation,
    contents_now,
    ours_left,
    result_of,
)
from tests.simulated.appliance.world import vsphere_client

MIB = 1 << 20
TWIN = "twin-in-another-folder"
MACHINES = (
    Machine(MACHINE, (Disk(size=MIB),)),
    Machine(TWIN, (Disk(size=MIB),), folder="others"),
    Machine(
        "gaps",
        (
            Disk(size=MIB),
            Disk(size=MIB, mode="independent_persistent"),
            Disk(size=MIB, backing="rdm_physical"),
            Disk(size=MIB, sharing="multi_writer"),
        ),
        power="off",
    ),
    Machine("excluded", (Disk(size=MIB, mode="independent_persistent"),)),
    Machine("no-cbt", (Disk(size=MIB),), cbt_supported=False),
    Machine("vCLS-4711", (Disk(size=MIB),)),
    Machine("template", (Disk(size=MIB),), template=True, power="off"),
)


@pytest.fixture(scope="module")
def ready(simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An appliance with one point of the first machine, for commands that must change nothing."""
    folder = tmp_path_factory.mktemp("ready")
    with Lab.start(folder / "lab", MACHINES, simulators=simulators) as lab:
        installation = Installation.make(folder / "appliance", lab)
        lab.control.write_random(MACHINE, 0, 0, MIB // 2, seed=1)
        installation.back_up()
        yield installation


def check_refused(ended: Ended, code: str, status: int) -> str:
    """The error document has this code and everything a person needs; the message."""
    assert ended.error["code"] == code, ended.output + ended.errors
    assert ended.status == ended.error["exit_status"] == status
    assert ended.error["remedy"]
    assert "Traceback" not in ended.errors
    message: str = ended.error["message"]
    return message


# vCenter


def add_vcenter(
    keepline: WarmProcess, installation: Installation, *, password: str = "", port: int = 0, pin: str = ""
) -> Ended:
    address = installation.lab.address
    return keepline(
        installation, "vcenter", "add", address.host, "--name", "another", "--user", address.user,
        "--port", str(port or address.port), "--thumbprint", pin or address.thumbprint_sha256,
        "--password-file", "-", entered=password or address.password,
    )  # fmt: skip


def test_wrong_host(ready: Installation, keepline: WarmProcess) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        ended = add_vcenter(keepline, ready, port=unused.getsockname()[1])
    check_refused(ended, "KL-2001", 3)


def test_wrong_password(ready: Installation, keepline: WarmProcess) -> None:
    message = check_refused(add_vcenter(keepline, ready, password="not-the-password"), "KL-2003", 3)
    assert "not-the-password" not in message


def test_wrong_thumbprint(ready: Installation, keepline: WarmProcess) -> None:
    check_refused(add_vcenter(keepline, ready, pin=":".join(["AB"] * 32)), "KL-1003", 2)


def test_no_thumbprint_is_no_consent(ready: Installation, keepline: WarmProcess) -> None:
    address = ready.lab.address
    ended = keepline(
        ready, "vcenter", "add", address.host, "--name", "another", "--user", address.user,
        "--port", str(address.port), "--password-file", "-", entered=address.password,
    )  # fmt: skip
    assert address.thumbprint_sha256 in check_refused(ended, "KL-1002", 2)


def test_refused_vcenters_are_not_kept(ready: Installation, keepline: WarmProcess) -> None:
    add_vcenter(keepline, ready, password="wrong")
    names = [each["name"] for each in keepline(ready, "vcenter", "list").document["vcenters"]]
    assert names == [VCENTER]


def test_replaced_certificate_is_refused_before_any_password_is_sent(
    installation_of: MakeInstallation, keepline: WarmProcess
) -> None:
    installation = installation_of(Machine(MACHINE, (Disk(size=MIB),)))
    installation.lab.stop()
    shutil.rmtree(installation.lab.folder / "tls")
    installation.lab.restart_vcenter()
    logins = installation.lab.control.state().calls.get("Login", 0)

    ended = keepline(installation, "backup", MACHINE)

    check_refused(ended, "KL-2002", 3)
    assert installation.lab.control.state().calls.get("Login", 0) == logins


# VDDK


def with_vddk(installation: Installation, folder: Path) -> Installation:
    return installation.with_settings(vddk_folder=folder)


def test_vddk_folder_is_missing(ready: Installation, keepline: WarmProcess, tmp_path: Path) -> None:
    ended = keepline(with_vddk(ready, tmp_path / "nowhere"), "backup", MACHINE)
    assert "nowhere" in check_refused(ended, "KL-3001", 4)
    assert ours_left(ready.lab) == []


def test_vddk_of_another_architecture(ready: Installation, keepline: WarmProcess, tmp_path: Path) -> None:
    shutil.copytree(ready.lab.vddk_folder, tmp_path / "vddk", symlinks=True)
    for library in (tmp_path / "vddk" / "lib64").glob("libvixDiskLib.so*"):
        if not library.is_symlink():
            content = bytearray(library.read_bytes())
            content[18:20] = (183).to_bytes(2, "little")  # e_machine: AArch64
            library.write_bytes(content)
    ended = keepline(with_vddk(ready, tmp_path / "vddk"), "backup", MACHINE)
    check_refused(ended, "KL-3001", 4)
    assert ours_left(ready.lab) == []


def test_vddk_is_too_old(installation_of: MakeInstallation, keepline: WarmProcess) -> None:
    installation = installation_of(
        Machine(MACHINE, (Disk(size=MIB),)), behaviour=LibraryBehaviour(version="6.5.4")
    )
    assert "6.5.4" in check_refused(keepline(installation, "backup", MACHINE), "KL-3001", 4)
    assert ours_left(installation.lab) == []


# Machines and disks


def test_machine_is_not_found(ready: Installation, keepline: WarmProcess) -> None:
    assert "web-99" in check_refused(keepline(ready, "backup", "web-99"), "KL-2031", 2)


def test_machine_that_is_not_found_keeps_the_others_out_of_the_queue(
    ready: Installation, keepline: WarmProcess
) -> None:
    before = keepline(ready, "run", "list").document
    check_refused(keepline(ready, "backup", MACHINE, "web-99"), "KL-2031", 2)
    assert keepline(ready, "run", "list").document == before


def test_machine_is_ambiguous(ready: Installation, keepline: WarmProcess) -> None:
    twin = ready.lab.control.machine(TWIN).moref
    rename(ready, twin, MACHINE)
    try:
        message = check_refused(keepline(ready, "backup", MACHINE), "KL-2032", 2)
        assert keepline(ready, "backup", twin).status == 0
    finally:
        rename(ready, twin, TWIN)
    assert "others" in message


def rename(installation: Installation, moref: str, name: str) -> None:
    from pyVmomi import vim  # noqa: PLC0415 - only here

    with vsphere_client(installation.lab) as service:
        vim.VirtualMachine(moref, service._stub).Rename_Task(name)


def test_template_is_refused(ready: Installation, keepline: WarmProcess) -> None:
    check_refused(keepline(ready, "backup", "template"), "KL-1008", 2)


def test_agent_machine_of_vsphere_is_refused(ready: Installation, keepline: WarmProcess) -> None:
    """Rule 15."""
    message = check_refused(keepline(ready, "backup", "vCLS-4711"), "KL-1301", 2)
    assert "vSphere Cluster Services" in message


def test_disks_that_no_snapshot_holds_are_loud_gaps(ready: Installation, keepline: WarmProcess) -> None:
    """Rule 5: the rest is backed up, the gap has its own exit status unless it is accepted by name."""
    ended = keepline(ready, "backup", "gaps")

    assert ended.status == 10, ended.output
    assert ended.run["state"] == "completed-with-gaps"
    gaps = {gap["label"]: gap["reason"] for gap in ended.run["result"]["gaps"]}
    assert set(gaps) == {"Hard disk 2", "Hard disk 3", "Hard disk 4"}
    assert len(set(gaps.values())) == 3, gaps
    point = keepline(ready, "point", "show", ended.run["result"]["point"]).document["point"]
    assert [image["disk"]["label"] for image in point["images"]] == ["Hard disk 1"]
    assert {each["disk"]["label"] for each in point["excluded_disks"]} == set(gaps)

    some = ["--accept-missing", "Hard disk 2", "--accept-missing", "Hard disk 3"]
    assert keepline(ready, "backup", "gaps", *some).status == 10
    accepted = keepline(ready, "backup", "gaps", *some, "--accept-missing", "Hard disk 4")
    assert accepted.status == 0
    assert accepted.run["state"] == "succeeded"


def test_machine_without_any_disk_to_capture(ready: Installation, keepline: WarmProcess) -> None:
    check_refused(keepline(ready, "backup", "excluded"), "KL-5101", 7)
    assert ours_left(ready.lab) == []


def test_machine_without_change_tracking_is_read_completely_with_a_warning(
    ready: Installation, keepline: WarmProcess
) -> None:
    """Rule 3: a safe full each time, exit status zero."""
    first = keepline(ready, "backup", "no-cbt")
    ready.lab.control.write_random("no-cbt", 0, 0, 4096, seed=9)
    second = keepline(ready, "backup", "no-cbt")

    assert first.status == second.status == 0
    (disk,) = second.run["result"]["disks"]
    assert disk["scope"] == "everything"
    assert disk["statistics"]["stored"] < disk["statistics"]["read"]
    log = keepline(ready, "run", "show", second.run["id"]).document["log"]
    assert any(line["warning"] and "change tracking" in line["text"] for line in log)
    point = second.run["result"]["point"]
    assert ready.disks_of(point) == contents_now(ready.lab, "no-cbt")


# The repository


@pytest.fixture
def private(ready: Installation, tmp_path: Path) -> Installation:
    """An appliance of its own on the same vCenter, whose repository may be damaged; it has two points."""
    made = ready.other(tmp_path / "private")
    for _ in range(2):
        ready.lab.control.write_random(MACHINE, 0, 0, MIB // 4, seed=5)
        assert made.back_up().result
    return made


def test_repository_folder_is_missing(private: Installation, keepline: WarmProcess) -> None:
    private.repository.rename(private.repository.with_name("elsewhere"))

    check_refused(keepline(private, "backup", MACHINE), "KL-4013", 5)
    check_refused(keepline(private, "point", "list"), "KL-4013", 5)
    assert not private.repository.exists(), "it may be a mount point: it is never made"
    private.repository.with_name("elsewhere").rename(private.repository)
    assert keepline(private, "backup", MACHINE).status == 0


def test_repository_is_not_ours(private: Installation, keepline: WarmProcess, tmp_path: Path) -> None:
    (private.repository / "keepline.json").rename(tmp_path / "identity")
    check_refused(keepline(private, "backup", MACHINE), "KL-4001", 5)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "holiday.jpg").write_bytes(b"jpeg")
    other = private.with_settings(state_folder=tmp_path / "state-of-other")
    check_refused(keepline(other, "init", str(tmp_path / "foreign")), "KL-4003", 5)


def test_repository_of_a_newer_format(private: Installation, keepline: WarmProcess) -> None:
    path = private.repository / "keepline.json"
    newer = RepositoryIdentity("2", RepositoryId("ab" * 16), datetime(2030, 1, 1, tzinfo=UTC), BLOCK_DIGEST)
    path.chmod(0o600)
    path.write_bytes(seal_document(newer))

    for command in (["backup", MACHINE], ["point", "list"], ["repository", "check"]):
        check_refused(keepline(private, *command), "KL-4004", 5)


def test_point_is_not_found(ready: Installation, keepline: WarmProcess, tmp_path: Path) -> None:
    target = str(tmp_path / "disk.raw")
    for command in (
        ["point", "show", "20200101T000000Z-00000000"],
        ["point", "verify", "20200101T000000Z-00000000"],
        ["restore", "disk", "20200101T000000Z-00000000", "0", "--to", target],
        ["restore", "vm", "20200101T000000Z-00000000", "--name", "new"],
    ):
        check_refused(keepline(ready, *command), "KL-1401", 2)


def first_point(installation: Installation) -> str:
    return str(installation.listing().points[0].point.id)


def test_disk_is_not_in_the_point(ready: Installation, keepline: WarmProcess, tmp_path: Path) -> None:
    target = str(tmp_path / "disk.raw")
    ended = keepline(ready, "restore", "disk", first_point(ready), "Hard disk 7", "--to", target)
    assert "Hard disk 1" in check_refused(ended, "KL-1007", 2)


def test_existing_output_file_is_not_touched(
    ready: Installation, keepline: WarmProcess, tmp_path: Path
) -> None:
    target = tmp_path / "disk.raw"
    target.write_bytes(b"precious")
    check_refused(
        keepline(ready, "restore", "disk", first_point(ready), "0", "--to", str(target)), "KL-1005", 2
    )
    assert target.read_bytes() == b"precious"
    nowhere = str(tmp_path / "missing" / "disk.raw")
    check_refused(keepline(ready, "restore", "disk", first_point(ready), "0", "--to", nowhere), "KL-1006", 2)


def test_target_datastore_is_too_small(ready: Installation, keepline: WarmProcess) -> None:
    before = {machine.name for machine in ready.lab.control.machines()}
    ready.lab.control.force_free_space("datastore1", 4096)
    try:
        ended = keepline(ready, "restore", "vm", first_point(ready), "--name", "too-big")
    finally:
        ready.lab.control.force_free_space("datastore1", None)
    check_refused(ended, "KL-2054", 3)
    assert {machine.name for machine in ready.lab.control.machines()} == before


def test_restored_machine_name_is_taken(ready: Installation, keepline: WarmProcess) -> None:
    check_refused(keepline(ready, "restore", "vm", first_point(ready), "--name", MACHINE), "KL-2033", 2)


def test_machine_that_never_was_backed_up_has_no_points(ready: Installation, keepline: WarmProcess) -> None:
    assert keepline(ready, "point", "list", "excluded").document == {"points": [], "damaged": []}


def test_everything_still_works_after_all_that(ready: Installation, keepline: WarmProcess) -> None:
    run = ready.back_up()
    assert ready.disks_of(result_of(run).point) == contents_now(ready.lab)
    assert keepline(ready, "repository", "check", "--read-data").status == 0
    assert ours_left(ready.lab) == []
