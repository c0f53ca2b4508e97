"""Transfers, information and metadata of one open disk, through a compiled stub."""

import ctypes
import mmap
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies

from tests.unit.vddk_bindings.conftest import Stub
from vddk_bindings import (
    AdapterType,
    Connection,
    Disk,
    DiskGeometry,
    HandleBusyError,
    HandleClosedError,
    HostUnavailableError,
    InvalidArgumentError,
    Library,
    MetadataKeyMissingError,
    RejectedArgumentError,
)

CAPACITY_SECTORS = 4196
BLOCKING_SECTOR = 4000
FAILING_SECTOR = 4001


def test_sectors_written_are_read_back(disk: Disk) -> None:
    content = random.Random(1).randbytes(8 * 512)
    destination = bytearray(8 * 512)

    disk.write_sectors(100, content)
    disk.read_sectors(100, destination)

    assert destination == content
