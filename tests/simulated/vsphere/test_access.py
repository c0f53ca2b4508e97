from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.vsphere import connect, find_machine, list_machines, presented_certificate
from appliance.vsphere.errors import (
    CertificateExpiredError,
    CertificateMismatchError,
    LoginRefusedError,
    VcenterUnreachableError,
)
from keepline_lab import Disk, Lab, Machine
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MIB, HurriedClock, address_of, connected

WEB = Machine("web-01", (Disk(size=MIB),))


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    return laboratory(WEB)


def test_the_presented_certificate_is_the_one_a_person_can_compare(lab: Lab) -> None:
    presented = presented_certificate(lab.address.host, lab.address.port)
    assert presented.sha256 == lab.address.thumbprint_sha256
    assert presented.sha1 == lab.address.thumbprint_sha1
    assert "BEGIN CERTIFICATE" in presented.pem


@pytest.mark.parametrize("pin", ["thumbprint_sha1", "thumbprint_sha256"])
def test_the_confirmed_thumbprint_lets_in_whichever_digest_it_is(lab: Lab, pin: str) -> None:
    address = replace(address_of(lab), thumbprint=getattr(lab.address, pin).lower())
    with connect(address, HurriedClock()) as connection:
        assert connection.thumbprint_sha1 == lab.address.thumbprint_sha1
        assert connection.instance_uuid
        assert connection.api_version.startswith("8.")
        assert "vCenter" in connection.product


@pytest.mark.parametrize("pairs", [20, 32])
def test_a_wrong_thumbprint_is_refused_before_the_password_leaves(lab: Lab, pairs: int) -> None:
    address = replace(address_of(lab), thumbprint=":".join(["AB"] * pairs))
    with pytest.raises(CertificateMismatchError, match=":".join(["AB"] * pairs)):
        connect(address, HurriedClock())
    assert "Login" not in lab.control.state().calls


def test_a_certificate_that_changes_under_a_connection_is_refused(lab: Lab) -> None:
    with connected(lab) as connection:
        pinned = connection.thumbprint_sha256
        shutil.rmtree(lab.folder / "tls")
        lab.restart_vcenter()
        with pytest.raises(CertificateMismatchError, match=pinned):
            list_machines(connection)
        assert lab.address.thumbprint_sha256 != pinned


def test_a_certificate_past_its_time_is_told_apart_from_a_wrong_one(lab: Lab) -> None:
    class Later(HurriedClock):
        def now(self) -> datetime:
            return datetime(2999, 1, 1, tzinfo=UTC)

    with pytest.raises(CertificateExpiredError):
        connect(address_of(lab), Later())


def test_a_wrong_password_is_refused_without_showing_it(lab: Lab) -> None:
    with pytest.raises(LoginRefusedError) as caught:
        connect(replace(address_of(lab), password="not-the-password"), HurriedClock())
    assert lab.address.user in str(caught.value)
    assert "not-the-password" not in str(caught.value)


def test_a_wrong_port_and_a_port_without_tls_are_unreachable(lab: Lab) -> None:
    control_port = int(lab.address.control.rpartition(":")[2])
    for port in (1, control_port):
        with pytest.raises(VcenterUnreachableError, match=str(port)):
            connect(replace(address_of(lab), port=port), HurriedClock())


def test_a_name_nobody_knows_is_unreachable(lab: Lab) -> None:
    with pytest.raises(VcenterUnreachableError, match="no-such-host"):
        connect(replace(address_of(lab), host="no-such-host.invalid"), HurriedClock())


def test_closing_ends_the_session_and_may_be_repeated(lab: Lab) -> None:
    connection = connected(lab)
    assert lab.control.state().sessions == 1
    connection.close()
    connection.close()
    assert lab.control.state().sessions == 0


def test_an_ended_session_is_renewed_unseen(lab: Lab) -> None:
    with connected(lab) as connection:
        before = connection.session_cookie
        lab.control.terminate_sessions()
        assert [machine.name for machine in list_machines(connection)] == ["web-01"]
        assert connection.session_cookie != before


def test_a_cookie_that_comes_with_a_late_answer_does_not_replace_the_session(lab: Lab) -> None:
    with connected(lab) as connection:
        content = connection.content
        content.rootFolder._stub.cookie = "vmware_soap_session=of-a-dead-session"  # as pyVmomi does
        assert list_machines(connection)
        assert connection.session_number == 1


def test_threads_share_a_session_and_renew_it_once_between_them(lab: Lab) -> None:
    with connected(lab) as connection, ThreadPoolExecutor(8) as pool:
        for renewals in range(1, 4):
            lab.control.terminate_sessions()
            found = list(pool.map(lambda _: find_machine(connection, "web-01").name, range(24)))
            assert found == ["web-01"] * 24
            assert connection.session_number == 1 + renewals


def test_a_restarted_vcenter_is_used_again_through_the_same_connection(lab: Lab) -> None:
    with connected(lab) as connection:
        before = find_machine(connection, "web-01")
        lab.restart_vcenter()
        assert find_machine(connection, "web-01").identity == before.identity


def test_a_vcenter_that_died_is_unreachable_and_closing_does_not_mind(lab: Lab) -> None:
    with connected(lab) as connection:
        lab.kill_vcenter()
        with pytest.raises(VcenterUnreachableError) as caught:
            list_machines(connection)
        assert caught.value.transient


def test_an_overloaded_vcenter_is_unreachable_for_the_moment(lab: Lab) -> None:
    with connected(lab) as connection:
        lab.control.add_fault(CallFault("CreateContainerView", "http_503"))
        with pytest.raises(VcenterUnreachableError, match="503"):
            list_machines(connection)
        assert list_machines(connection)


def test_a_reading_call_whose_connection_broke_is_made_again(lab: Lab) -> None:
    with connected(lab) as connection:
        lab.control.add_fault(CallFault("RetrievePropertiesEx", "drop"))
        assert list_machines(connection)
