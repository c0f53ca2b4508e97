"""Runs one rule against VDDK: arguments RULE DISK-PATH CONTENT-FILE HANDLES, the access on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.clock import SystemClock
from appliance.model.disk_tasks import VddkAccess
from appliance.model.documents import from_json
from appliance.transport import TransportHangError
from appliance.transport.vddk import CallWatchdog, RetryPolicy, VddkTransport, running_vddk
from tests.contracts.transport.rules import READER_RULES, WRITER_RULES


def fail_on_hang(error: TransportHangError) -> None:
    raise SystemExit(str(error))


def main(rule: str, disk_path: str, content_file: str, handles: str) -> None:
    access = from_json(VddkAccess, sys.stdin.readline())
    content = Path(content_file).read_bytes()
    clock = SystemClock()
    with running_vddk(access) as library, CallWatchdog(clock, 60, fail_on_hang) as watchdog:
        transport = VddkTransport(library, access, watchdog, clock, RetryPolicy(tries=1))
        if rule in READER_RULES:
            with transport.open_reader(disk_path, len(content), int(handles)) as reader:
                READER_RULES[rule](reader, content)
        else:
            with transport.open_writer(disk_path, len(content)) as writer:
                WRITER_RULES[rule](writer, content)


main(*sys.argv[1:])
