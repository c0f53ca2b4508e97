from __future__ import annotations

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any  # pyVmomi makes its objects at run time

import pytest
from pyVmomi import vim
from pyVmomi.SoapAdapter import SoapStubAdapter
from pyVmomi.VmomiSupport import newestVersions

from keepline_lab import (
    Disk,
    Lab,
    LabAddress,
    LabError,
    LibraryBehaviour,
    Machine,
    Simulators,
    VcenterSettings,
    VddkFault,
)
from keepline_lab.extents import Extent
from keepline_lab.laboratories import StartLab
from keepline_lab.process import RunningProcess

MIB = 1 << 20
SMALL = Machine("web-01", (Disk(size=2 * MIB),))
GONE_SECONDS = 30


@contextmanager
def logged_in(address: LabAddress, password: str = "") -> Iterator[Any]:
    context = ssl.create_default_context(cafile=str(address.certificate))
    context.check_hostname = False
    version = newestVersions.GetName("vim")
    stub = SoapStubAdapter(address.host, address.port, path="/sdk", version=version, sslContext=context)
    try:
        content: Any = vim.ServiceInstance("ServiceInstance", stub).RetrieveContent()
        content.sessionManager.Login(address.user, password or address.password)
        yield content
        content.sessionManager.Logout()
    finally:
        stub.DropConnections()


def test_a_client_logs_in_with_what_the_address_says_and_finds_the_machines(laboratory: StartLab) -> None:
    lab = laboratory(SMALL, Machine("database-01", (Disk(size=MIB), Disk(size=3 * MIB))))
    with logged_in(lab.address) as content:
        view = content.viewManager.CreateContainerView(
            content.rootFolder, [vim.VirtualMachine], recursive=True
        )
        found: Any = {
            machine.name: [
                (device.key, device.capacityInBytes)
                for device in machine.config.hardware.device
                if isinstance(device, vim.vm.device.VirtualDisk)
            ]
            for machine in view.view
        }
    assert found == {
        machine.name: [(disk.key, disk.capacity) for disk in machine.disks]
        for machine in lab.address.machines
    }
    assert {name: len(disks) for name, disks in found.items()} == {"web-01": 1, "database-01": 2}


def test_a_wrong_password_is_refused(laboratory: StartLab) -> None:
    lab = laboratory(SMALL)
    with pytest.raises(vim.fault.InvalidLogin), logged_in(lab.address, password="wrong"):
        pass


def test_the_servers_certificate_has_the_thumbprints_of_the_address(laboratory: StartLab) -> None:
    address = laboratory(SMALL).address
    encoded = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((address.host, address.port)))
    assert hashlib.sha256(encoded).hexdigest().upper() == address.thumbprint_sha256.replace(":", "")
    assert hashlib.sha1(encoded).hexdigest().upper() == address.thumbprint_sha1.replace(":", "")  # noqa: S324


def test_a_guest_write_changes_the_disk_but_not_what_a_snapshot_froze(laboratory: StartLab) -> None:
    lab = laboratory(SMALL)
    lab.control.write("web-01", 0, 4096, b"before" * 1000)
    before = lab.disk_bytes("web-01")
    snapshot = lab.control.create_snapshot("web-01")
    lab.control.write_random("web-01", 0, 4000, 300_000, seed=1)
    lab.control.zero("web-01", 0, MIB, 65536)

    assert lab.frozen_bytes(snapshot, "web-01") == before
    assert lab.control.read("web-01", 0, 0, 2 * MIB, snapshot=snapshot) == before
    assert lab.disk_bytes("web-01") != before
    assert lab.disk_bytes("web-01") == lab.control.read("web-01", 0, 0, 2 * MIB)


def test_a_disk_starts_as_its_image_and_leaves_the_image_alone(laboratory: StartLab, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    content = os.urandom(MIB)
    image.write_bytes(content)
    lab = laboratory(Machine("web-01", (Disk(image=image),)))
    assert lab.disk_bytes("web-01") == content
    lab.control.write("web-01", 0, 0, b"changed")
    assert image.read_bytes() == content


def test_replacing_a_disk_writes_exactly_the_cells_that_differ(laboratory: StartLab, tmp_path: Path) -> None:
    lab = laboratory(SMALL)
    image = tmp_path / "new.img"
    image.write_bytes(bytes(MIB) + b"x" + bytes(MIB - 1))
    written = lab.control.replace("web-01", 0, image)
    assert lab.disk_bytes("web-01") == image.read_bytes()
    assert all(MIB <= offset < MIB + 65536 for offset, _ in written.extents)
    assert 0 < written.bytes <= 65536
    assert lab.control.replace("web-01", 0, image).bytes == 0


def test_writing_extents_takes_only_these_ranges_of_the_image(laboratory: StartLab, tmp_path: Path) -> None:
    lab = laboratory(SMALL)
    (tmp_path / "image").write_bytes(b"n" * 2 * MIB)
    lab.control.write_extents("web-01", 0, [Extent(512, 1024), Extent(MIB, 512)], tmp_path / "image")
    expected = bytearray(2 * MIB)
    expected[512:1536], expected[MIB : MIB + 512] = b"n" * 1024, b"n" * 512
    assert lab.disk_bytes("web-01") == expected


@pytest.mark.parametrize("end", ["kill_vcenter", "stop"])
def test_a_lab_goes_on_after_its_vcenter_ended(laboratory: StartLab, end: str) -> None:
    lab = laboratory(SMALL)
    lab.control.write_random("web-01", 0, 0, 200_000)
    frozen = lab.disk_bytes("web-01")
    snapshot = lab.control.create_snapshot("web-01", "kept")
    lab.control.write_random("web-01", 0, 100_000, 200_000, seed=2)
    address, state = lab.address, lab.control.state()
    getattr(lab, end)()
    with pytest.raises(LabError, match="did not answer"):
        lab.control.state()

    lab.restart_vcenter()

    assert (lab.address.url, lab.address.control) == (address.url, address.control)
    assert lab.address.thumbprint_sha256 == address.thumbprint_sha256
    assert lab.address.machines == address.machines
    assert lab.control.state().snapshots == state.snapshots
    assert lab.frozen_bytes(snapshot, "web-01") == frozen


def test_a_resumed_lab_moves_when_its_port_was_taken(simulators: Simulators, tmp_path: Path) -> None:
    with Lab.start(tmp_path / "lab", [SMALL], simulators=simulators) as lab:
        before = lab.address
    taken = socket.create_server((before.host, before.port))
    with taken, Lab.resume(tmp_path / "lab", simulators=simulators) as lab:
        assert lab.address.port != before.port
        assert lab.address.machines == before.machines


def test_the_library_lies_in_its_folder_with_the_gate_and_the_faults(laboratory: StartLab) -> None:
    lab = laboratory(SMALL, behaviour=LibraryBehaviour(version="7.0.3", transports=("nbd",)))
    folder = lab.vddk_folder / "lib64"
    assert (folder / "libvixDiskLib.so").resolve().name == "libvixDiskLib.so.7.0.3"
    assert f"gate={lab.address.gate}\nversion=7.0.3\n" in (folder / "lab.conf").read_text()

    lab.set_vddk_faults([VddkFault("VixDiskLib_Read", "kill", nth=3)])
    assert "fault.1=VixDiskLib_Read nth=3 count=1 action=kill\n" in (folder / "lab.conf").read_text()
    lab.set_vddk_faults([])
    assert "fault" not in (folder / "lab.conf").read_text()


def test_two_labs_live_side_by_side(laboratory: StartLab) -> None:
    first, second = laboratory(SMALL), laboratory(SMALL)
    first.control.write("web-01", 0, 0, b"first")
    assert second.disk_bytes("web-01") == bytes(2 * MIB)


def test_settings_reach_the_vcenter(laboratory: StartLab) -> None:
    settings = VcenterSettings(api_version="7.0.3.0", user="somebody@lab.local", password="Secret-1!")
    lab = laboratory(SMALL, settings=settings)
    with logged_in(lab.address) as content:
        assert content.about.apiVersion == "7.0.3.0"
    assert (lab.address.user, lab.address.password) == ("somebody@lab.local", "Secret-1!")


def test_a_refused_operation_says_why(laboratory: StartLab) -> None:
    lab = laboratory(SMALL)
    with pytest.raises(LabError, match="no machine"):
        lab.control.write("web-02", 0, 0, b"x")
    with pytest.raises(LabError, match="outside the disk"):
        lab.control.write("web-01", 0, 2 * MIB, b"x")
    with pytest.raises(LabError, match="has no disk '7', only 'Hard disk 1'"):
        lab.disk_file("web-01", 7)
    with pytest.raises(LabError, match="no snapshot 'snapshot-999'"):
        lab.frozen_bytes("snapshot-999", "web-01")


def test_what_the_vcenter_refuses_at_its_start_is_in_the_error(
    simulators: Simulators, tmp_path: Path
) -> None:
    machine = Machine("web-01", (Disk(size=MIB, controller="floppy"),))
    with pytest.raises(LabError, match=r"did not start: .*controller.*floppy"):
        Lab.start(tmp_path / "lab", [machine], simulators=simulators)


def test_a_lab_takes_only_an_empty_folder(simulators: Simulators, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(LabError, match="is not an empty folder"):
        Lab.start(tmp_path, [SMALL], simulators=simulators)


def test_one_folder_has_one_vcenter_at_a_time(laboratory: StartLab, simulators: Simulators) -> None:
    lab = laboratory(SMALL)
    (lab.folder / "lab.json").unlink()  # as if the other one were just starting
    with pytest.raises(LabError, match="runs already"):
        Lab.resume(lab.folder, simulators=simulators)
    assert lab.control.machines()


def test_a_lab_ends_with_the_process_that_started_it(simulators: Simulators, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from typing import Any  # pyVmomi makes its objects at run time
from keepline_lab import Lab, Simulators
lab = Lab.start(Path(sys.argv[1]), [], simulators=Simulators(Path(sys.argv[2]), Path(sys.argv[3])))
print(lab.address.process.number, flush=True)
sys.stdin.read()
"""
    command: list[str | Path] = [
        sys.executable,
        "-c",
        script,
        tmp_path / "lab",
        simulators.vcenter,
        simulators.vddk,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        vcenter = RunningProcess.of(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + GONE_SECONDS
    while vcenter.runs and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not vcenter.runs
