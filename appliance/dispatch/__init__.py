"""Who runs disk tasks: movers on this machine."""

from appliance.dispatch.errors import (
    MoverDiedError,
    MoverProtocolError,
    MoverStalledError,
    TaskCancelledError,
)
from appliance.dispatch.leftovers import lock_file_of, wait_for_movers_gone
from appliance.dispatch.local_pool import LocalMoverPool, MoverLimits

__all__ = [
    "LocalMoverPool",
    "MoverDiedError",
    "MoverLimits",
    "MoverProtocolError",
    "MoverStalledError",
    "TaskCancelledError",
    "lock_file_of",
    "wait_for_movers_gone",
]
