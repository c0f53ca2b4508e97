"""The object graph of one process, built from its settings. Nothing else builds; nothing is global."""

from __future__ import annotations

import platform
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance.capture.backup_run import BackupHandler
from appliance.capture.preparation import OWN_UUID_FILE, own_bios_uuid
from appliance.clock import Clock, SystemClock
from appliance.dispatch import LocalMoverPool, MoverLimits
from appliance.engine import CrashStart, Engine, EngineLimits, EngineLock, FolderMoverLocks, RunHandler
from appliance.model.run_limits import RunLimits
from appliance.model.runs import RunKind
from appliance.notifications import Origin, open_channel
from appliance.repository.engine_starts import HostFacts
from appliance.restore import CheckHandler, RestoreDiskHandler, RestoreMachineHandler, VerifyHandler
from appliance.run_context import MoverSettings, Tools
from appliance.run_context.recovery import LeftoverRecovery
from appliance.scheduling import RetryRule
from appliance.security import ConsolePasswordFile, SecretSealer, read_or_create_key
from appliance.services import (
    BackupService,
    ConsoleAccessService,
    ConsoleServices,
    DuePolicies,
    EndedRunKeeper,
    EnginePresence,
    EstateReader,
    InstallationService,
    InventoryService,
    LoggedInVcenters,
    NotifierCourier,
    NotifierKeeper,
    NotifierService,
    PointDirectory,
    PointService,
    PolicyBackups,
    PolicyCovers,
    PolicyEditor,
    PolicyInventory,
    PolicyKeeper,
    PolicyOverview,
    PolicyPages,
    PolicyService,
    RememberedInventory,
    RepositoryPointIndex,
    RepositoryPoints,
    RepositoryService,
    RepositoryShelf,
    RestorePlanService,
    RestoreService,
    RetentionService,
    RetryService,
    RunQueue,
    RunService,
    SilenceReasons,
    VcenterService,
    VsphereGateway,
    software_version,
)
from appliance.settings import Settings
from appliance.state import (
    AuditFile,
    Database,
    FiringStore,
    HistoryStore,
    InstallationStore,
    JournalStore,
    NotifierStore,
    PolicyStore,
    RepositoryStore,
    RetryStore,
    RunLogStore,
    RunStore,
    VcenterStore,
    open_database,
    require_state_folder,
)

MACHINE_ID_FILE = Path("/etc/machine-id")


ENGINE_TRIES = 20
"""Each of `BUSY_TIMEOUT_SECONDS`: five minutes for somebody to let go of the state database."""


@dataclass(frozen=True, slots=True)
class Appliance:
    """What entry points use: the services, and the engine for whoever holds its lock."""

    clock: Clock
    vcenters: VcenterService
    inventory: InventoryService
    backups: BackupService
    restores: RestoreService
    points: PointService
    repositories: RepositoryService
    installation: InstallationService
    runs: RunService
    retries: RetryService
    policies: PolicyService
    due_policies: DuePolicies
    retention: RetentionService
    policy_keeper: PolicyKeeper
    notifier: NotifierService
    notifier_keeper: NotifierKeeper
    policy_covers: PolicyCovers
    policy_pages: PolicyPages
    engine_lock: EngineLock
    make_engine: Callable[[], Engine]


@dataclass(frozen=True, slots=True)
class _Stores:
    """The state database, family by family."""

    database: Database
    installation: InstallationStore
    vcenters: VcenterStore
    repositories: RepositoryStore
    runs: RunStore
    retries: RetryStore
    history: HistoryStore
    log: RunLogStore
    journal: JournalStore
    policies: PolicyStore
    notifier: NotifierStore
    firings: FiringStore

    @classmethod
    def of(cls, database: Database) -> _Stores:
        return cls(
            database,
            InstallationStore(database),
            VcenterStore(database),
            RepositoryStore(database),
            RunStore(database),
            RetryStore(database),
            HistoryStore(database),
            RunLogStore(database),
            JournalStore(database),
            PolicyStore(database),
            NotifierStore(database),
            FiringStore(database),
        )

    def of_engine(self) -> _Stores:
        """The same for the engine: a run is not given up because somebody else holds the database."""
        return _Stores.of(self.database.patient(ENGINE_TRIES))


@contextmanager
def open_appliance(settings: Settings) -> Iterator[Appliance]:
    """The appliance of these settings, its state database open.

    Raises:
        NotInitialisedError: there is no state folder.
        ApplianceStateError: its database or its key cannot be used.
    """
    require_state_folder(settings.state_folder)
    sealer = SecretSealer(read_or_create_key(settings.state_folder))
    with open_database(settings.state_folder) as database:
        yield _appliance(settings, _Stores.of(database), sealer, SystemClock())


def _appliance(settings: Settings, stores: _Stores, sealer: SecretSealer, clock: Clock) -> Appliance:
    queue = RunQueue(stores.runs, clock, secrets.token_hex)
    vcenters = VcenterService(stores.vcenters, stores.journal, sealer, VsphereGateway(clock))
    repositories = RepositoryService(
        stores.repositories, stores.installation, queue, clock, secrets.token_hex, _host_facts()
    )
    lock = EngineLock(settings.state_folder)
    catalog = RepositoryPoints(repositories)
    points = PointService(catalog, queue)
    inventory = PolicyInventory(vcenters, own_bios_uuid(OWN_UUID_FILE))
    backups = BackupService(vcenters, repositories, queue)
    policies = PolicyService(stores.policies, stores.vcenters, inventory, clock, secrets.token_hex)
    due_policies = DuePolicies(stores.policies, inventory, queue, stores.log, clock)
    retries = RetryService(stores.runs, stores.retries, stores.log, queue, clock, _retry_rule(settings))
    courier = _courier(stores, sealer)
    notifier_keeper = _notifier_keeper(settings, stores, courier, inventory, clock)
    ended_runs = EndedRunKeeper(retries, stores.history, clock)
    retention = RetentionService(stores.policies, inventory, RepositoryShelf(repositories, clock), clock)
    return Appliance(
        clock=clock,
        vcenters=vcenters,
        inventory=InventoryService(vcenters, points),
        backups=backups,
        restores=RestoreService(catalog, stores.vcenters, queue),
        points=points,
        repositories=repositories,
        installation=InstallationService(
            repositories, stores.installation, stores.runs, stores.journal, lock.held, clock
        ),
        runs=RunService(stores.runs, stores.log, clock, _run_limits(settings)),
        retries=retries,
        policies=policies,
        due_policies=due_policies,
        retention=retention,
        policy_covers=PolicyCovers(stores.policies, inventory),
        policy_pages=_policy_pages(stores, vcenters, repositories, policies, backups, clock),
        policy_keeper=PolicyKeeper(due_policies, ended_runs, retention, notifier_keeper, stores.runs, clock),
        notifier=NotifierService(stores.notifier, courier, clock),
        notifier_keeper=notifier_keeper,
        engine_lock=lock,
        make_engine=lambda: _engine(
            settings, stores.of_engine(), _tools(settings, stores.of_engine(), vcenters, repositories, clock)
        ),
    )


def _policy_pages(
    stores: _Stores,
    vcenters: VcenterService,
    repositories: RepositoryService,
    policies: PolicyService,
    backups: BackupService,
    clock: Clock,
) -> PolicyPages:
    """What only looks goes by remembered inventories, what changes or queues something does not."""
    remembered = RememberedInventory(vcenters, own_bios_uuid(OWN_UUID_FILE), clock)
    looking = PolicyService(stores.policies, stores.vcenters, remembered, clock, secrets.token_hex)
    overview = PolicyOverview(looking, stores.firings, remembered, stores.runs, clock)
    shelf = RepositoryShelf(repositories, clock)
    return PolicyPages(
        policies=policies,
        overview=overview,
        editor=PolicyEditor(policies, looking, overview, clock),
        backups=PolicyBackups(policies, backups, stores.log, clock),
        retention=RetentionService(stores.policies, remembered, shelf, clock),
    )


def _courier(stores: _Stores, sealer: SecretSealer) -> NotifierCourier:
    def origin() -> Origin:
        return Origin(platform.node() or "keepline", stores.installation.find() or "")

    return NotifierCourier(sealer, open_channel, origin)


def _notifier_keeper(
    settings: Settings, stores: _Stores, courier: NotifierCourier, inventory: PolicyInventory, clock: Clock
) -> NotifierKeeper:
    engine = EnginePresence(EngineLock(settings.state_folder).holder)
    return NotifierKeeper(stores.notifier, courier, SilenceReasons(inventory, engine.is_running), clock)


def console_services(appliance: Appliance, settings: Settings) -> ConsoleServices:
    """What the console calls, over an open appliance of these settings."""
    directory = PointDirectory(RepositoryPointIndex(appliance.repositories))
    folder = settings.state_folder
    return ConsoleServices(
        clock=appliance.clock,
        access=ConsoleAccessService(ConsolePasswordFile(folder), AuditFile(folder), appliance.clock),
        estate=EstateReader(
            appliance.vcenters, appliance.policy_covers, directory, appliance.runs, appliance.clock
        ),
        engine=EnginePresence(appliance.engine_lock.holder),
        vcenters=appliance.vcenters,
        backups=appliance.backups,
        restore_plans=RestorePlanService(
            appliance.points, appliance.restores, appliance.vcenters, appliance.runs
        ),
        points=appliance.points,
        directory=directory,
        repositories=appliance.repositories,
        runs=appliance.runs,
        retries=appliance.retries,
        policies=appliance.policies,
        notifier=appliance.notifier,
        policy_pages=appliance.policy_pages,
        state_folder=folder,
    )


def _host_facts() -> HostFacts:
    try:
        machine_id = MACHINE_ID_FILE.read_text().strip()
    except OSError:
        machine_id = ""
    return HostFacts(platform.node(), own_bios_uuid(OWN_UUID_FILE), machine_id)


def _engine(settings: Settings, stores: _Stores, tools: Tools) -> Engine:
    tools.sole_engine.begin()
    start = CrashStart(stores.runs, stores.log, stores.journal, LeftoverRecovery(tools), tools.clock)
    limits = EngineLimits(_run_limits(settings))
    return Engine(stores.runs, stores.log, _handlers(tools), start, tools.clock, limits)


def _run_limits(settings: Settings) -> RunLimits:
    return RunLimits(
        total=settings.concurrent_runs,
        per_vcenter=settings.concurrent_runs_per_vcenter,
        per_host=settings.concurrent_runs_per_host,
    )


def _retry_rule(settings: Settings) -> RetryRule:
    return RetryRule(settings.backup_retries, timedelta(minutes=settings.retry_pause_minutes))


def _handlers(tools: Tools) -> dict[RunKind, RunHandler]:
    return {
        RunKind.BACKUP: BackupHandler(tools),
        RunKind.RESTORE_DISK: RestoreDiskHandler(tools),
        RunKind.RESTORE_MACHINE: RestoreMachineHandler(tools),
        RunKind.VERIFY: VerifyHandler(tools),
        RunKind.CHECK_REPOSITORY: CheckHandler(tools),
    }


def _tools(
    settings: Settings,
    stores: _Stores,
    vcenters: VcenterService,
    repositories: RepositoryService,
    clock: Clock,
) -> Tools:
    return Tools(
        clock=clock,
        settings=MoverSettings(
            vddk_folder=settings.vddk_folder,
            runs_folder=settings.state_folder / "runs",
            installation=repositories.installation(),
            workers=settings.workers_per_disk,
            compression_level=settings.compression_level,
            transport_modes=settings.transport_modes,
            read_back_percent=settings.read_back_percent,
            call_limit_seconds=settings.call_limit_seconds,
        ),
        vcenters=LoggedInVcenters(vcenters.address_of, clock),
        movers=LocalMoverPool(
            settings.concurrent_movers, sys.executable, clock, MoverLimits(settings.stall_seconds)
        ),
        locks=FolderMoverLocks(settings.state_folder / "movers", clock),
        journal=stores.journal,
        repository=repositories.open(),
        repository_location=str(repositories.location()),
        software=f"keepline {software_version()}",
        sole_engine=repositories.sole_engine(),
    )
