"""What a page of 10,000 machines may weigh; `make measure-console` has the times, which no test asserts."""

from __future__ import annotations

import pytest

from tests.browser.person import Person
from tests.fakes.console import ConsoleDesk
from tests.fakes.console_estate import many_machines

pytestmark = pytest.mark.browser

MOST_NODES = 6000
MOST_BYTES = 200 * 1024


def test_no_page_grows_with_ten_thousand_machines(console: ConsoleDesk, person: Person) -> None:
    many_machines(console, 10_000)
    heavy = []
    for path in ("/", "/machines", "/machines?rows=250", "/machines?q=server", "/policies", "/restores"):
        answer = person.page.goto(person.address + path)
        assert answer is not None
        size = len(answer.body())
        nodes = person.page.evaluate("document.querySelectorAll('*').length")
        if nodes >= MOST_NODES or size >= MOST_BYTES:
            heavy.append(f"{path}: {nodes} nodes, {size} bytes")

    assert heavy == []
