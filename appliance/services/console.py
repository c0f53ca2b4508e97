"""Everything the console calls, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.clock import Clock
from appliance.services.backups import BackupService
from appliance.services.console_access import ConsoleAccessService
from appliance.services.engine_presence import EnginePresence
from appliance.services.estate_reader import EstateReader
from appliance.services.notifier import NotifierService
from appliance.services.point_directory import PointDirectory
from appliance.services.points import PointService
from appliance.services.policies import PolicyService
from appliance.services.policy_pages import PolicyPages
from appliance.services.repositories import RepositoryService
from appliance.services.restore_plans import RestorePlanService
from appliance.services.retries import RetryService
from appliance.services.runs import RunService
from appliance.services.vcenters import VcenterService


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """The services of one appliance, as its console uses them."""

    clock: Clock
    access: ConsoleAccessService
    estate: EstateReader
    engine: EnginePresence
    vcenters: VcenterService
    backups: BackupService
    restore_plans: RestorePlanService
    points: PointService
    directory: PointDirectory
    repositories: RepositoryService
    runs: RunService
    retries: RetryService
    policies: PolicyService
    policy_pages: PolicyPages
    notifier: NotifierService
    state_folder: Path
