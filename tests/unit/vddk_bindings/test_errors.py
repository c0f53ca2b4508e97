"""The exception tree and the table of error codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vddk_bindings
from vddk_bindings import (
    AuthenticationError,
    DiskAccessError,
    HostUnavailableError,
    InvalidArgumentError,
    NotFoundError,
    OutOfMemoryError,
    UsageError,
    VddkError,
    VixError,
)
from vddk_bindings.abi import read_error_names
from vddk_bindings.error_codes import known_codes
from vddk_bindings.vix_errors import vix_error


def test_every_code_of_the_table_has_a_meaning_and_no_other() -> None:
    assert known_codes() == set(read_error_names()) - {0}


@pytest.mark.parametrize("number", sorted(known_codes()))
def test_every_error_says_what_and_what_to_do(number: int) -> None:
    error = vix_error("VixDiskLib_Read", number)

    assert error.meaning
    assert error.remedy.endswith(".")
    assert error.name == read_error_names()[number]
    assert f"code {number}" in str(error)


@given(st.sampled_from(sorted(known_codes())), st.integers(0, 2**48 - 1))
def test_higher_bits_do_not_change_the_code_and_are_kept(number: int, detail: int) -> None:
    value = detail << 16 | number

    error = vix_error("VixDiskLib_Read", value)

    assert (error.number, error.value) == (number, value)
    assert f"{value:#x}" in str(error)


def test_exactly_network_hosts_and_nfc_memory_are_worth_a_retry() -> None:
    transient = {number for number in known_codes() if vix_error("VixDiskLib_Read", number).transient}

    network = {5, 36, 14006, 14007, 14008, 14009, 14010, 14011, 14014, 14015, 18000, 30007}
    assert transient == network | {2}


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (35, AuthenticationError),
        (3014, AuthenticationError),
        (3047, AuthenticationError),
        (13, DiskAccessError),
        (2, OutOfMemoryError),
        (14009, HostUnavailableError),
        (18000, HostUnavailableError),
        (4000, NotFoundError),
        (13003, NotFoundError),
    ],
)
def test_codes_of_one_family_are_one_class(number: int, kind: type[VixError]) -> None:
    assert type(vix_error("VixDiskLib_ConnectEx", number)) is kind


@pytest.mark.parametrize(
    ("function", "number", "hint"),
    [
        ("VixDiskLib_Open", 1, "thumbprint"),
        ("VixDiskLib_Open", 14009, "902"),
        ("VixDiskLib_Open", 13, "snapshot"),
        ("VixDiskLib_Open", 13, "SCSI slot"),
        ("VixDiskLib_Read", 2, "NFC memory"),
        ("VixDiskLib_PrepareForAccess", 31, "Another backup"),
    ],
)
def test_errors_known_to_mislead_name_their_usual_cause(function: str, number: int, hint: str) -> None:
    assert hint in vix_error(function, number).remedy


def test_unknown_error_of_another_call_does_not_blame_the_thumbprint() -> None:
    assert "thumbprint" not in vix_error("VixDiskLib_Read", 1).remedy


def test_unknown_number_is_still_an_error_with_its_number() -> None:
    error = vix_error("VixDiskLib_Read", 54321)

    assert type(error) is VixError
    assert (error.number, error.name, error.transient) == (54321, "VIX_E_54321", False)


def test_all_exported_errors_hang_on_one_tree_with_their_own_codes() -> None:
    exported = [getattr(vddk_bindings, name) for name in vddk_bindings.__all__]
    errors = [one for one in exported if isinstance(one, type) and issubclass(one, BaseException)]
    ours = [error for error in errors if issubclass(error, VddkError)]

    assert ours == errors
    codes = [error.code for error in ours if not issubclass(error, VixError)]
    assert len(set(codes)) == len(codes) > 10


def test_a_wrong_argument_is_also_a_value_error() -> None:
    assert issubclass(InvalidArgumentError, ValueError)
    assert issubclass(InvalidArgumentError, UsageError)
