"""What every run stands on, whatever it does: its folder, its connection, its movers, its journal."""

from appliance.run_context.disk_work import EitherSignal, for_each_disk, run_task
from appliance.run_context.errors import DuplicateInstallationError
from appliance.run_context.ports import DiskTaskRunner, StopSignal
from appliance.run_context.recovery import LeftoverRecovery
from appliance.run_context.session import RunSession, Tools, access_identity
from appliance.run_context.sole_engine import EngineStartMemory, SoleEngine
from appliance.run_context.workplace import (
    PENDING_POINT,
    MoverLocks,
    MoverSettings,
    RunFolder,
    VcenterDirectory,
)

__all__ = [
    "PENDING_POINT",
    "DiskTaskRunner",
    "DuplicateInstallationError",
    "EitherSignal",
    "EngineStartMemory",
    "LeftoverRecovery",
    "MoverLocks",
    "MoverSettings",
    "RunFolder",
    "RunSession",
    "SoleEngine",
    "StopSignal",
    "Tools",
    "VcenterDirectory",
    "access_identity",
    "for_each_disk",
    "run_task",
]
