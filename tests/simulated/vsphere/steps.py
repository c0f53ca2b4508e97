"""What tests against the simulated vCenter have in common: a hurried clock, a connection, marks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from appliance.model.identifiers import InstallationId, RunId
from appliance.vsphere import Mark, VcenterAddress, VcenterConnection, connect
from keepline_lab import Lab

HERE = InstallationId("installation-of-this-test")
ELSEWHERE = InstallationId("another-appliance")
MARK = Mark(HERE, RunId("20260101T000000Z-00000001"))
OTHER_RUN = Mark(HERE, RunId("20260102T000000Z-00000002"))
FOREIGN = Mark(ELSEWHERE, RunId("20260103T000000Z-00000003"))

MIB = 1 << 20


class HurriedClock:
    """The real time, but nobody waits longer than a moment: retries happen, minutes do not pass."""

    def __init__(self) -> None:
        self.skipped_seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def elapsed_seconds(self) -> float:
        return time.monotonic() + self.skipped_seconds

    def sleep(self, seconds: float) -> None:
        moment = min(seconds, 0.02)
        time.sleep(moment)
        self.skipped_seconds += seconds - moment


def address_of(lab: Lab) -> VcenterAddress:
    known = lab.address
    return VcenterAddress(known.host, known.user, known.password, known.thumbprint_sha256, known.port)


def connected(lab: Lab) -> VcenterConnection:
    return connect(address_of(lab), HurriedClock())
