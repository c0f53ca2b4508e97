"""Trying again what vCenter refuses only for the moment, with a bound and growing pauses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from appliance.clock import Clock
from appliance.errors import VcenterError
from appliance.vsphere.errors import (
    FileLockedError,
    HostUnavailableError,
    SessionLostError,
    TaskInProgressError,
    VcenterUnreachableError,
)

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Together about three minutes: longer than another product's snapshot takes, shorter than an admin waits.
PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)

PASSING_ERRORS: tuple[type[VcenterError], ...] = (
    TaskInProgressError,
    FileLockedError,
    HostUnavailableError,
    SessionLostError,
    VcenterUnreachableError,
)


def with_patience(clock: Clock, action: Callable[[], Result]) -> Result:
    """The result of `action`, tried again while it fails with an error that passes by itself.

    An action that changes something must look first whether an earlier try has already done it.

    Raises:
        VcenterError: another error, or the last one when the pauses are used up.
    """
    for pause in PAUSES_SECONDS:
        try:
            return action()
        except PASSING_ERRORS as error:
            log.info("vCenter is busy, trying again", extra={"reason": str(error), "pause_seconds": pause})
            clock.sleep(pause)
    return action()
