from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from appliance.model.policies import Selection
from appliance.security import SecretSealer
from appliance.services import InventoryBusyError, RememberedInventory, VcenterService, VcenterSession
from appliance.services import remembered_inventory as limits
from appliance.vsphere import PresentedCertificate, VcenterAddress
from appliance.vsphere.errors import LoginRefusedError
from tests.fakes.services import KEY, Desk
from tests.fakes.vcenters import FakeVcenters, machine

EVERYTHING = [Selection(names=("*",))]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.equipped().gateway.inventory = [machine("web-1", 1)]
    return desk


@pytest.fixture
def inventory(desk: Desk) -> RememberedInventory:
    return RememberedInventory(desk.vcenters, "", desk.clock)


def log_ins(desk: Desk) -> int:
    return len(desk.gateway.addresses)


def test_a_page_that_is_looked_at_twice_logs_in_once(desk: Desk, inventory: RememberedInventory) -> None:
    before = log_ins(desk)
    first = inventory.read("main", EVERYTHING)
    assert inventory.read("main", [Selection(names=("web-*",))]) is first
    assert log_ins(desk) == before + 1


def test_what_is_old_is_read_again(desk: Desk, inventory: RememberedInventory) -> None:
    inventory.read("main", EVERYTHING)
    desk.gateway.inventory = [machine("web-1", 1), machine("web-2", 2)]
    desk.clock.sleep(limits.INVENTORY_AGE.total_seconds() - 1)
    assert len(inventory.read("main", EVERYTHING).machines) == 1
    desk.clock.sleep(1)
    assert len(inventory.read("main", EVERYTHING).machines) == 2


def test_other_folders_are_asked_for_anew(desk: Desk, inventory: RememberedInventory) -> None:
    before = log_ins(desk)
    inventory.read("main", EVERYTHING)
    inventory.read("main", [Selection(folders=("/DC/vm",))])
    assert log_ins(desk) == before + 2


def test_only_a_few_readings_are_kept(desk: Desk, inventory: RememberedInventory) -> None:
    for number in range(limits.REMEMBERED + 1):
        inventory.read("main", [Selection(folders=(f"/DC/vm/{number}",))])
    before = log_ins(desk)
    inventory.read("main", [Selection(folders=(f"/DC/vm/{limits.REMEMBERED}",))])
    assert log_ins(desk) == before
    inventory.read("main", [Selection(folders=("/DC/vm/0",))])
    assert log_ins(desk) == before + 1


def test_a_failure_is_told_again_for_a_while_without_another_try(
    desk: Desk, inventory: RememberedInventory
) -> None:
    password, desk.gateway.password = desk.gateway.password, "changed"
    before = log_ins(desk)
    for _ in range(2):
        with pytest.raises(LoginRefusedError):
            inventory.read("main", EVERYTHING)
    assert log_ins(desk) == before + 1
    desk.gateway.password = password
    desk.clock.sleep(limits.FAILURE_AGE.total_seconds())
    assert len(inventory.read("main", EVERYTHING).machines) == 1


@dataclass
class HangingVcenters:
    """Implements `VcenterGateway`: nobody is let in until `let_go` is set."""

    real: FakeVcenters
    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def certificate(self, host: str, port: int) -> PresentedCertificate:
        return self.real.certificate(host, port)

    @contextmanager
    def session(self, address: VcenterAddress) -> Iterator[VcenterSession]:
        self.asked.set()
        self.let_go.wait()
        with self.real.session(address) as session:
            yield session


def test_a_vcenter_that_hangs_holds_one_page_and_not_all(desk: Desk) -> None:
    gateway = HangingVcenters(desk.gateway)
    vcenters = VcenterService(desk.vcenter_store, desk.journal, SecretSealer(KEY), gateway)
    inventory = RememberedInventory(vcenters, "", desk.clock, patience_seconds=0.05)
    found: list[int] = []
    first = threading.Thread(target=lambda: found.append(len(inventory.read("main", EVERYTHING).machines)))
    first.start()
    try:
        gateway.asked.wait()
        with pytest.raises(InventoryBusyError, match="main"):
            inventory.read("main", EVERYTHING)
    finally:
        gateway.let_go.set()
        first.join()
    assert found == [1]
