"""The transport through VMware's VDDK: what a mover uses. Importing it loads the bindings, not VDDK."""

from appliance.transport.vddk_disks import VddkReader, VddkTransport, VddkWriter
from appliance.transport.vddk_handle import RetryPolicy
from appliance.transport.vddk_library import clean_up, end_access, hold_access, running_vddk
from appliance.transport.watchdog import CallWatchdog

__all__ = [
    "CallWatchdog",
    "RetryPolicy",
    "VddkReader",
    "VddkTransport",
    "VddkWriter",
    "clean_up",
    "end_access",
    "hold_access",
    "running_vddk",
]
