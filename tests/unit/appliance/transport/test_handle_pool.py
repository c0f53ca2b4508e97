from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from appliance.transport.handle_pool import HandlePool


class Handle:
    """Notes that it was closed."""

    def __init__(self) -> None:
        self.when_host_lacks_memory: Callable[[], None] = lambda: None
        self.is_open = True

    def close(self) -> None:
        assert self.is_open
        self.is_open = False


def open_ones(handles: list[Handle]) -> int:
    return sum(handle.is_open for handle in handles)


def test_idle_handles_are_closed_at_once_and_busy_ones_after_their_read() -> None:
    handles = [Handle() for _ in range(4)]
    pool = HandlePool(handles)
    pool.halve_on_shortage()

    with ExitStack() as reads:
        busy = [reads.enter_context(pool.handle()) for _ in range(3)]
        busy[0].when_host_lacks_memory()
        assert open_ones(handles) == 3
        assert all(handle.is_open for handle in busy)

    assert (open_ones(handles), pool.size) == (2, 2)


def test_threads_that_notice_the_same_lack_halve_once() -> None:
    handles = [Handle() for _ in range(8)]
    pool = HandlePool(handles)
    pool.halve_on_shortage()

    with ExitStack() as reads:
        busy = [reads.enter_context(pool.handle()) for _ in range(8)]
        for handle in busy:
            handle.when_host_lacks_memory()

    assert (open_ones(handles), pool.size) == (4, 4)


@given(st.integers(1, 16), st.lists(st.integers(0, 15), max_size=12))
def test_one_handle_always_stays_and_every_open_one_can_be_had(count: int, busy: list[int]) -> None:
    handles = [Handle() for _ in range(count)]
    pool = HandlePool(handles)
    pool.halve_on_shortage()

    for wanted in busy:
        with ExitStack() as reads:
            taken = 0
            while taken < min(wanted, pool.size):
                held = reads.enter_context(pool.handle())
                taken += 1
                assert held.is_open
                held.when_host_lacks_memory()

    assert open_ones(handles) == pool.size >= 1
    with ExitStack() as reads:
        assert len({id(reads.enter_context(pool.handle())) for _ in range(pool.size)}) == pool.size
