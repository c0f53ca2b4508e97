from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.services.sign_in_limit import (
    FREE_ATTEMPTS,
    LONGEST_WAIT_SECONDS,
    REMEMBERED_SOURCES,
    SignInLimit,
)


def after(failures: int, source: str = "10.0.0.1") -> SignInLimit:
    limit = SignInLimit()
    for _ in range(failures):
        limit.failed(source, 100.0)
    return limit


def test_the_first_wrong_passwords_cost_nothing() -> None:
    assert after(FREE_ATTEMPTS - 1).wait_seconds("10.0.0.1", 100.0) == 0


@given(st.integers(FREE_ATTEMPTS, 3000))
def test_each_further_one_doubles_the_wait_up_to_the_longest(failures: int) -> None:
    wait = after(failures).wait_seconds("10.0.0.1", 100.0)

    assert wait == min(int(LONGEST_WAIT_SECONDS), 5 * 2 ** (failures - FREE_ATTEMPTS))


def test_waiting_opens_the_door_again() -> None:
    limit = after(FREE_ATTEMPTS)

    assert limit.wait_seconds("10.0.0.1", 104.0) == 1
    assert limit.wait_seconds("10.0.0.1", 105.0) == 0


def test_the_right_password_forgets_what_failed() -> None:
    limit = after(FREE_ATTEMPTS + 3)
    limit.succeeded("10.0.0.1")
    limit.failed("10.0.0.1", 100.0)

    assert limit.wait_seconds("10.0.0.1", 100.0) == 0


def test_another_address_does_not_wait() -> None:
    assert after(FREE_ATTEMPTS + 3).wait_seconds("10.0.0.2", 100.0) == 0


def test_many_addresses_do_not_fill_the_memory() -> None:
    limit = after(FREE_ATTEMPTS)
    for number in range(REMEMBERED_SOURCES):
        limit.failed(f"10.1.0.{number}", 100.0)

    assert limit.wait_seconds("10.0.0.1", 100.0) == 0
    limit.failed("10.1.0.999", 100.0)
    assert limit.wait_seconds("10.1.0.999", 100.0) == 0
