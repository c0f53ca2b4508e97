from __future__ import annotations

import random

import pytest

from appliance.errors import DiskTransportError
from appliance.transport import DiskReader
from tests.contracts.transport.rules import READER_RULES, WRITER_RULES, buffer
from tests.fakes.disks import FaultyDiskReader, MemoryDisk

CONTENT = random.Random(5).randbytes(586 * 512) + bytes(782 * 512) + random.Random(6).randbytes(3 * 512)


@pytest.mark.parametrize("rule", READER_RULES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_memory_disks_read_by_the_rules(rule: str, wrapped: bool) -> None:  # noqa: FBT001
    disk = MemoryDisk(CONTENT, parallelism=2)
    reader: DiskReader = FaultyDiskReader(disk, "") if wrapped else disk

    READER_RULES[rule](reader, CONTENT)


@pytest.mark.parametrize("rule", WRITER_RULES)
def test_memory_disks_write_by_the_rules(rule: str) -> None:
    WRITER_RULES[rule](MemoryDisk(CONTENT), CONTENT)


def test_a_faulty_reader_fails_exactly_where_its_script_says() -> None:
    reader = FaultyDiskReader(MemoryDisk(CONTENT), "RRRERR")
    outcome = ""
    for _ in range(8):
        try:
            reader.read_into(0, buffer(512))
            outcome += "R"
        except DiskTransportError:
            outcome += "E"

    assert outcome == "RRRERRRR"
