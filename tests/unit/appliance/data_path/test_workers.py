from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from appliance.data_path.workers import Turnstile, run_workers


class BrokenDiskError(Exception):
    pass


def test_every_item_is_worked_on_exactly_once() -> None:
    done: list[int] = []

    run_workers(done.extend, range(1000), workers=4)

    assert sorted(done) == list(range(1000))


def test_the_first_failure_reaches_the_caller_and_stops_the_others() -> None:
    taken: list[int] = []

    def work(items: Iterator[int]) -> None:
        for item in items:
            taken.append(item)
            if item == 10:
                raise BrokenDiskError("item 10")

    with pytest.raises(BrokenDiskError, match="item 10"):
        run_workers(work, iter(range(10**9)), workers=3)

    assert len(taken) < 10**6, "an endless stream was left early"


def test_an_error_of_the_stream_itself_reaches_the_caller() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise BrokenDiskError("plan")

    with pytest.raises(BrokenDiskError, match="plan"):
        run_workers(lambda taken: [None for _ in taken], items(), workers=2)  # type: ignore[arg-type]


def test_workers_leave_no_thread_behind() -> None:
    before = threading.active_count()

    run_workers(lambda items: None, range(5), workers=4)

    assert threading.active_count() == before


def test_a_turnstile_lets_tickets_pass_in_order_whoever_comes_first() -> None:
    turnstile, passed = Turnstile(), list[int]()

    def work(tickets: Iterator[int]) -> None:
        for ticket in tickets:
            assert turnstile.wait_for(ticket)
            passed.append(ticket)
            turnstile.passed()

    run_workers(work, range(200), workers=4)

    assert passed == list(range(200))


def test_a_closed_turnstile_sends_everybody_home() -> None:
    turnstile, answers = Turnstile(), list[bool]()
    waiting = threading.Thread(target=lambda: answers.append(turnstile.wait_for(5)))
    waiting.start()

    turnstile.close()
    waiting.join()

    assert answers == [False]
