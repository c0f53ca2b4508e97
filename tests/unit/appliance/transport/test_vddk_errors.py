from __future__ import annotations

import pytest

import vddk_bindings as vddk
from appliance.errors import DiskTransportError
from appliance.transport import (
    DiskAccessError,
    DiskChainError,
    DiskLockedError,
    DiskNotFoundError,
    HostMaintenanceError,
    HostMemoryError,
    HostPortClosedError,
    HostUnavailableError,
    LoginRefusedError,
    RefusedByVddkError,
    ThumbprintError,
    VddkInstallationError,
)
from appliance.transport.vddk_errors import translated
from vddk_bindings.error_codes import TRANSIENT_CODES, known_codes
from vddk_bindings.vix_errors import vix_error


@pytest.mark.parametrize(
    ("function", "number", "kind", "advice"),
    [
        ("VixDiskLib_Open", 1, ThumbprintError, "thumbprint"),
        ("VixDiskLib_Read", 1, RefusedByVddkError, "number"),
        ("VixDiskLib_Open", 14009, HostPortClosedError, "902"),
        ("VixDiskLib_Open", 14014, HostMaintenanceError, "maintenance"),
        ("VixDiskLib_Open", 14015, HostMaintenanceError, "maintenance"),
        ("VixDiskLib_Open", 2, HostMemoryError, "fewer disks"),
        ("VixDiskLib_ConnectEx", 35, LoginRefusedError, "password"),
        ("VixDiskLib_ConnectEx", 3047, LoginRefusedError, "password"),
        ("VixDiskLib_Open", 13, DiskAccessError, "Most often not permissions"),
        ("VixDiskLib_ConnectEx", 13003, DiskNotFoundError, "again"),
        ("VixDiskLib_Open", 15, DiskLockedError, "another backup product"),
        ("VixDiskLib_Open", 16008, DiskChainError, "Consolidate"),
        ("VixDiskLib_Read", 14011, HostUnavailableError, "tried again"),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_to_do(
    function: str, number: int, kind: type[DiskTransportError], advice: str
) -> None:
    with (
        pytest.raises(DiskTransportError, match=rf"web-01\.vmdk: .*code {number}") as caught,
        translated("web-01.vmdk"),
    ):
        raise vix_error(function, number)

    assert type(caught.value) is kind
    assert advice in caught.value.remedy


@pytest.mark.parametrize("number", sorted(known_codes() - {0, 25000}))
def test_every_known_code_is_translated_and_stays_as_transient_as_it_was(number: int) -> None:
    with pytest.raises(DiskTransportError) as caught, translated("disk"):
        raise vix_error("VixDiskLib_Read", number)

    if number in TRANSIENT_CODES:
        assert caught.value.transient


@pytest.mark.parametrize("error", [vddk.FolderMissingError("no"), vddk.MissingFunctionError("F", "L")])
def test_a_library_that_cannot_be_used_is_an_installation_error(error: vddk.VddkError) -> None:
    with pytest.raises(VddkInstallationError, match="VDDK: "), translated("VDDK"):
        raise error


def test_errors_of_others_pass_through() -> None:
    with pytest.raises(KeyError), translated("disk"):
        raise KeyError
