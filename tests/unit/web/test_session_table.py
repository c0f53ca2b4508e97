from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from web.session_memory import NoMemory, shared_memory
from web.session_table import SessionTable

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=50)
PASSWORD_STAMP = "1"


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a process that was forked; its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_session_outlives_the_worker_that_was_killed() -> None:
    with shared_memory() as memory:
        parent_token = SessionTable(memory).begin(PASSWORD_STAMP, NOW)

        def work_and_die() -> None:
            table = SessionTable(memory)
            table.find(parent_token, PASSWORD_STAMP, LATER, by_hand=True)
            table.begin(PASSWORD_STAMP, LATER)
            os.kill(os.getpid(), signal.SIGKILL)

        csrf = SessionTable(memory).find(parent_token, PASSWORD_STAMP, NOW, by_hand=False)
        assert in_a_child(work_and_die) == -signal.SIGKILL
        found = SessionTable(memory).find(
            parent_token, PASSWORD_STAMP, LATER + timedelta(minutes=50), by_hand=False
        )
    assert csrf is not None
    assert found is not None, "its last use was seen by the next worker"
    assert found.csrf_token == csrf.csrf_token


def test_a_session_that_was_ended_stays_ended() -> None:
    with shared_memory() as memory:
        table = SessionTable(memory)
        token = table.begin(PASSWORD_STAMP, NOW)
        table.end(token)

        assert SessionTable(memory).find(token, PASSWORD_STAMP, NOW, by_hand=False) is None


def test_another_password_ends_every_session_for_the_next_worker_too() -> None:
    with shared_memory() as memory:
        token = SessionTable(memory).begin(PASSWORD_STAMP, NOW)
        SessionTable(memory).find(token, "2", NOW, by_hand=True)

        assert SessionTable(memory).find(token, PASSWORD_STAMP, NOW, by_hand=False) is None


def test_the_memory_never_holds_a_token() -> None:
    with shared_memory() as memory:
        token = SessionTable(memory).begin(PASSWORD_STAMP, NOW)

        assert memory.load()
        assert token.encode() not in memory.load()


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(min_value=0, max_value=400))
def test_a_value_that_was_half_written_counts_as_none(first: bytes, second: bytes, length: int) -> None:
    with shared_memory() as memory:
        memory.save(second)
        whole = os.pread(memory._file, 1000, 0)
        memory.save(first)
        os.pwrite(memory._file, whole[:length], 0)

        assert memory.load() in {b"", first, second}


def test_without_a_memory_sessions_end_with_the_process() -> None:
    token = SessionTable(NoMemory()).begin(PASSWORD_STAMP, NOW)

    assert SessionTable(NoMemory()).find(token, PASSWORD_STAMP, NOW, by_hand=False) is None
