"""What an admin can ask of Keepline: the same for the command line and, later, the console."""

from appliance.repository.points import ListedPoint, PointListing
from appliance.services.backups import BackupOrder, BackupService
from appliance.services.calendar import CalendarDay, CalendarMonth, DayMark, day_of, mark_of, month_of
from appliance.services.console import ConsoleServices
from appliance.services.console_access import ADMINISTRATOR, SHORTEST_PASSWORD, ConsoleAccessService
from appliance.services.console_errors import (
    NOT_FOUND,
    ConsolePasswordTooShortError,
    FiringNotFoundError,
    ForgedFormError,
    InventoryBusyError,
    MachineNotListedError,
    NoConsolePasswordError,
    NothingMeantError,
    PlaceGoneError,
    PlanBlockedError,
    PlanStaleError,
    SignInRefusedError,
    TooManySignInsError,
    WrongFieldError,
)
from appliance.services.due_policies import DuePolicies, QueuedRuns, SimulatedPlan
from appliance.services.duties import Duty, DutyKind, duties_of
from appliance.services.ended_runs import EndedRunKeeper
from appliance.services.engine_presence import EnginePresence
from appliance.services.errors import (
    DiskNotFoundError,
    MachineIsTemplateError,
    NoVcenterError,
    StillInUseError,
    TargetExistsError,
    TargetFolderError,
    ThumbprintDiffersError,
    ThumbprintNotConfirmedError,
)
from appliance.services.estate import Estate, EstateMachine, SourceFailure, VcenterReading
from appliance.services.estate_list import ListPage, ListWish, SiteSummary, page_of, sites_of
from appliance.services.estate_reader import EstateReader, kept_fresh
from appliance.services.installations import InstallationService, InstallationView
from appliance.services.inventory import InventoryService, ListedMachine
from appliance.services.notifier import (
    NewEmailNotifier,
    NewWebhookNotifier,
    NotifierService,
    NotifierView,
)
from appliance.services.notifier_courier import NotifierCourier
from appliance.services.notifier_errors import NoNotifierError, NotifierRefusedError
from appliance.services.notifier_keeper import NotifierKeeper, NotifierReport
from appliance.services.point_directory import (
    NewestPoint,
    PointDirectory,
    PointIndex,
    RepositoryPointIndex,
)
from appliance.services.points import PointCatalog, PointService, RepositoryPoints, image_of
from appliance.services.policies import ListedPolicy, PolicyService, PolicyView, SelectionPreview
from appliance.services.policy_backups import PolicyBackups
from appliance.services.policy_covers import PolicyCovers
from appliance.services.policy_editor import FormPreview, OpenedPolicy, PolicyEditor
from appliance.services.policy_errors import LongSimulationError, PolicyRefusedError
from appliance.services.policy_form import FieldProblem, PolicyForm, form_of, known_zones, read_form
from appliance.services.policy_inventory import Inventories, Inventory, PolicyInventory
from appliance.services.policy_keeper import PolicyKeeper
from appliance.services.policy_overview import (
    FiringOutcome,
    MachinesMeant,
    MachinesPage,
    MachinesWish,
    MeantMachine,
    OutcomeKind,
    PolicyOverview,
    PolicyRow,
    coming_due_times,
    machines_page,
    outcome_of,
)
from appliance.services.policy_pages import PolicyPages
from appliance.services.policy_texts import (
    CONSISTENCY_TEXTS,
    Difference,
    differences,
    retention_text,
    selection_text,
    when_text,
)
from appliance.services.policy_words import NewPolicy, RetentionWords, SelectionWords
from appliance.services.protection import Protection
from appliance.services.remembered_inventory import RememberedInventory
from appliance.services.repositories import InitialisedRepository, RepositoryService
from appliance.services.restore_checks import DiskOrder, PlanCheck, RestoreOrder
from appliance.services.restore_choices import Choice, ChoiceGroup, PlaceChoice, TargetChoices, choices_of
from appliance.services.restore_errors import TargetUnusableError
from appliance.services.restore_plan import PlanDifferences, PlanStep, RestorePlan, differences_of
from appliance.services.restore_plans import RestorePlanService
from appliance.services.restores import RestoreService
from appliance.services.retention import MachineRetention, PointShelf, RepositoryShelf, RetentionService
from appliance.services.retries import RetryService
from appliance.services.run_overview import (
    PHASES,
    DiskOverview,
    Phase,
    PhaseState,
    RunOverview,
    overview_of,
)
from appliance.services.run_queue import RunQueue
from appliance.services.run_results import RunResult, result_of
from appliance.services.runs import RunService
from appliance.services.schedule_choices import (
    WEEKDAY_NAMES,
    Rhythm,
    ScheduleChoice,
    choice_of,
    cron_of,
    schedule_text,
)
from appliance.services.silence_reasons import SilenceReasons
from appliance.services.vcenter_gateway import (
    LoggedInVcenters,
    VcenterGateway,
    VcenterSession,
    VsphereGateway,
)
from appliance.services.vcenters import Check, ListedVcenter, NewVcenter, VcenterService
from appliance.services.version import software_version
from appliance.state import (
    FiringCounts,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyStaleError,
    RequestedRun,
    RunFilter,
    VcenterNotFoundError,
)

__all__ = [
    "ADMINISTRATOR",
    "CONSISTENCY_TEXTS",
    "NOT_FOUND",
    "PHASES",
    "SHORTEST_PASSWORD",
    "WEEKDAY_NAMES",
    "BackupOrder",
    "BackupService",
    "CalendarDay",
    "CalendarMonth",
    "Check",
    "Choice",
    "ChoiceGroup",
    "ConsoleAccessService",
    "ConsolePasswordTooShortError",
    "ConsoleServices",
    "DayMark",
    "Difference",
    "DiskNotFoundError",
    "DiskOrder",
    "DiskOverview",
    "DuePolicies",
    "Duty",
    "DutyKind",
    "EndedRunKeeper",
    "EnginePresence",
    "Estate",
    "EstateMachine",
    "EstateReader",
    "FieldProblem",
    "FiringCounts",
    "FiringNotFoundError",
    "FiringOutcome",
    "ForgedFormError",
    "FormPreview",
    "InitialisedRepository",
    "InstallationService",
    "InstallationView",
    "Inventories",
    "Inventory",
    "InventoryBusyError",
    "InventoryService",
    "ListPage",
    "ListWish",
    "ListedMachine",
    "ListedPoint",
    "ListedPolicy",
    "ListedVcenter",
    "LoggedInVcenters",
    "LongSimulationError",
    "MachineIsTemplateError",
    "MachineNotListedError",
    "MachineRetention",
    "MachinesMeant",
    "MachinesPage",
    "MachinesWish",
    "MeantMachine",
    "NewEmailNotifier",
    "NewPolicy",
    "NewVcenter",
    "NewWebhookNotifier",
    "NewestPoint",
    "NoConsolePasswordError",
    "NoNotifierError",
    "NoVcenterError",
    "NothingMeantError",
    "NotifierCourier",
    "NotifierKeeper",
    "NotifierRefusedError",
    "NotifierReport",
    "NotifierService",
    "NotifierView",
    "OpenedPolicy",
    "OutcomeKind",
    "Phase",
    "PhaseState",
    "PlaceChoice",
    "PlaceGoneError",
    "PlanBlockedError",
    "PlanCheck",
    "PlanDifferences",
    "PlanStaleError",
    "PlanStep",
    "PointCatalog",
    "PointDirectory",
    "PointIndex",
    "PointListing",
    "PointService",
    "PointShelf",
    "PolicyBackups",
    "PolicyCovers",
    "PolicyEditor",
    "PolicyExistsError",
    "PolicyForm",
    "PolicyInventory",
    "PolicyKeeper",
    "PolicyNotFoundError",
    "PolicyOverview",
    "PolicyPages",
    "PolicyRefusedError",
    "PolicyRow",
    "PolicyService",
    "PolicyStaleError",
    "PolicyView",
    "Protection",
    "QueuedRuns",
    "RememberedInventory",
    "RepositoryPointIndex",
    "RepositoryPoints",
    "RepositoryService",
    "RepositoryShelf",
    "RequestedRun",
    "RestoreOrder",
    "RestorePlan",
    "RestorePlanService",
    "RestoreService",
    "RetentionService",
    "RetentionWords",
    "RetryService",
    "Rhythm",
    "RunFilter",
    "RunOverview",
    "RunQueue",
    "RunResult",
    "RunService",
    "ScheduleChoice",
    "SelectionPreview",
    "SelectionWords",
    "SignInRefusedError",
    "SilenceReasons",
    "SimulatedPlan",
    "SiteSummary",
    "SourceFailure",
    "StillInUseError",
    "TargetChoices",
    "TargetExistsError",
    "TargetFolderError",
    "TargetUnusableError",
    "ThumbprintDiffersError",
    "ThumbprintNotConfirmedError",
    "TooManySignInsError",
    "VcenterGateway",
    "VcenterNotFoundError",
    "VcenterReading",
    "VcenterService",
    "VcenterSession",
    "VsphereGateway",
    "WrongFieldError",
    "choice_of",
    "choices_of",
    "coming_due_times",
    "cron_of",
    "day_of",
    "differences",
    "differences_of",
    "duties_of",
    "form_of",
    "image_of",
    "kept_fresh",
    "known_zones",
    "machines_page",
    "mark_of",
    "month_of",
    "outcome_of",
    "overview_of",
    "page_of",
    "read_form",
    "result_of",
    "retention_text",
    "schedule_text",
    "selection_text",
    "sites_of",
    "software_version",
    "when_text",
]
