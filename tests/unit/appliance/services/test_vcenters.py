from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.model.identifiers import ManagedObjectId
from appliance.services import (
    BackupOrder,
    NoVcenterError,
    StillInUseError,
    ThumbprintDiffersError,
    ThumbprintNotConfirmedError,
)
from appliance.state import JournalEntry, JournalKind, VcenterExistsError, VcenterNotFoundError
from appliance.vsphere.errors import LoginRefusedError, VcenterUnreachableError
from tests.fakes.services import Desk
from tests.fakes.vcenters import SHA1, SHA256, machine

CANARY = "canary-9d1c5e"


def test_a_vcenter_is_added_with_the_certificate_that_was_confirmed(desk: Desk) -> None:
    added = desk.vcenters.add(desk.new_vcenter())

    assert desk.vcenters.list() == [added]
    assert added.thumbprint == SHA256
    assert desk.vcenters.address_of("main").password == desk.gateway.password


@pytest.mark.parametrize("thumbprint", [SHA256.lower(), SHA256.replace(":", ""), SHA1, SHA1.lower()])
def test_a_thumbprint_may_be_written_in_any_usual_way_and_the_strong_one_is_kept(
    desk: Desk, thumbprint: str
) -> None:
    assert desk.vcenters.add(desk.new_vcenter(thumbprint=thumbprint)).thumbprint == SHA256


def test_without_a_confirmed_thumbprint_no_password_is_sent(desk: Desk) -> None:
    with pytest.raises(ThumbprintNotConfirmedError, match=SHA256):
        desk.vcenters.add(desk.new_vcenter(thumbprint=""))
    assert desk.gateway.addresses == []


def test_another_thumbprint_than_the_presented_one_sends_no_password(desk: Desk) -> None:
    with pytest.raises(ThumbprintDiffersError, match=SHA256):
        desk.vcenters.add(desk.new_vcenter(thumbprint=SHA256[:-2] + "00"))
    assert desk.gateway.addresses == []
    assert desk.vcenters.list() == []


def test_a_wrong_host_or_password_adds_nothing(desk: Desk) -> None:
    with pytest.raises(VcenterUnreachableError):
        desk.vcenters.add(desk.new_vcenter(host="elsewhere.example"))
    with pytest.raises(LoginRefusedError):
        desk.vcenters.add(desk.new_vcenter(password="wrong"))
    assert desk.vcenters.list() == []


def test_adding_a_vcenter_again_takes_its_new_password(desk: Desk) -> None:
    desk.vcenters.add(desk.new_vcenter())
    desk.gateway.password = "changed"
    desk.vcenters.add(desk.new_vcenter())

    assert len(desk.vcenters.list()) == 1
    assert desk.vcenters.address_of("main").password == "changed"


def test_a_name_is_never_moved_to_another_address(desk: Desk) -> None:
    desk.vcenters.add(desk.new_vcenter())
    with pytest.raises(VcenterExistsError):
        desk.vcenters.add(replace(desk.new_vcenter(), port=8443))


def test_a_password_shows_up_nowhere(desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk.gateway.password = CANARY
    with caplog.at_level(logging.DEBUG):
        desk.vcenters.add(desk.new_vcenter(password=CANARY))
        desk.vcenters.test("main")
        with desk.vcenters.session("main") as session:
            assert session.machines() == []

    written = [path.name for path in tmp_path.iterdir() if CANARY.encode() in path.read_bytes()]
    assert written == []
    assert CANARY not in caplog.text
    assert CANARY not in repr(desk.new_vcenter(password=CANARY))
    assert CANARY not in repr(desk.vcenters.address_of("main"))


def test_a_test_answers_every_question(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("web-01")]

    checks = desk.vcenters.test("main")
    assert [(check.name, check.failure) for check in checks] == [
        ("certificate", None),
        ("log-in", None),
        ("inventory", None),
    ]
    assert checks[2].detail == "machines that this account sees: 1"


def test_a_test_stops_at_the_first_no_and_says_why(desk: Desk) -> None:
    desk.equipped().gateway.password = "changed"

    checks = desk.vcenters.test("main")
    assert [check.name for check in checks] == ["certificate", "log-in"]
    assert isinstance(checks[-1].failure, LoginRefusedError)


def test_the_only_vcenter_needs_no_name(desk: Desk) -> None:
    with pytest.raises(NoVcenterError, match="none"):
        desk.vcenters.name_of_only()
    desk.vcenters.add(desk.new_vcenter())
    assert desk.vcenters.name_of_only() == "main"
    desk.vcenters.add(desk.new_vcenter(name="other"))
    with pytest.raises(NoVcenterError, match="main, other"):
        desk.vcenters.name_of_only()


def test_a_removed_vcenter_is_gone_with_its_password(desk: Desk) -> None:
    desk.equipped().vcenters.remove("main")
    with pytest.raises(VcenterNotFoundError):
        desk.vcenters.address_of("main")


def test_a_vcenter_stays_while_something_of_ours_may_be_in_it(desk: Desk) -> None:
    desk.equipped().gateway.inventory = [machine("web-01")]
    run = desk.backups.request(BackupOrder("main", ["web-01"]))[0].run
    number = desk.journal.open(
        JournalEntry(JournalKind.SNAPSHOT, run.id, "main", ManagedObjectId("vm-1"), "mark"), desk.clock.now()
    )

    with pytest.raises(StillInUseError, match=run.id):
        desk.vcenters.remove("main")
    desk.journal.close(number, desk.clock.now())
    desk.vcenters.remove("main")
