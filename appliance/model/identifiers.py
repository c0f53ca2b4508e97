"""Identifiers, each a type of its own so that mypy keeps them apart."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

InstallationId = NewType("InstallationId", str)
"""One appliance; kept in the repository, written into every mark left in vCenter."""

RepositoryId = NewType("RepositoryId", str)

RunId = NewType("RunId", str)
"""`YYYYMMDDTHHMMSSZ-xxxxxxxx`: sorts by time of request."""

RecoveryPointId = NewType("RecoveryPointId", str)
"""Equals the id of the run that made the point: a late second attempt cannot publish twice."""

SegmentId = NewType("SegmentId", str)
"""64 hexadecimal digits: 256 random bits."""

ManagedObjectId = NewType("ManagedObjectId", str)
"""The `value` of a vSphere managed object reference, `vm-123`: valid in one vCenter only."""


def new_run_id(now: datetime, random_hex: str) -> RunId:
    """The id of a run requested at `now`; `random_hex` is 8 random hexadecimal digits."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}-{random_hex}")
