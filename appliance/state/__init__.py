"""The state database: vCenters, repositories, the queue of runs and the journal of what is in vCenter.

It is a cache of the repository as far as recovery points go: losing it loses no point.
"""

from appliance.state.audit_file import AuditFile
from appliance.state.database import Database, open_database
from appliance.state.errors import (
    AuditFileError,
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseFullError,
    DatabaseNewerError,
    DatabaseReadOnlyError,
    DatabaseUnusableError,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyStaleError,
    RepositoryNameTakenError,
    RepositoryNotFoundError,
    RunNotFoundError,
    RunTransitionError,
    VcenterExistsError,
    VcenterNotFoundError,
)
from appliance.state.firing_store import FiringCounts, FiringStore
from appliance.state.folder import (
    NotInitialisedError,
    StateFolderError,
    create_state_folder,
    require_state_folder,
)
from appliance.state.history_store import HistoryStore
from appliance.state.installation_store import InstallationStore
from appliance.state.journal_store import JournalEntry, JournalKind, JournalNumber, JournalStore
from appliance.state.notifier_facts import (
    NIGHT_WINDOW,
    FiredDueTime,
    FiredMachine,
    NoticeFacts,
    SignOfLife,
    ToldNotice,
    night_key,
)
from appliance.state.notifier_store import (
    DeliveryFailure,
    NoticeState,
    NotifierStore,
    Outbox,
    StoredNotice,
    StoredNotifier,
)
from appliance.state.policy_store import DueRun, Firing, PolicyStore
from appliance.state.repository_store import DEFAULT_REPOSITORY, RepositoryStore, StoredRepository
from appliance.state.retry_store import RetryStore
from appliance.state.run_log_store import RunLogStore
from appliance.state.run_store import RequestedRun, RunFilter, RunStore
from appliance.state.vcenter_store import StoredVcenter, VcenterStore

__all__ = [
    "DEFAULT_REPOSITORY",
    "NIGHT_WINDOW",
    "AuditFile",
    "AuditFileError",
    "Database",
    "DatabaseBusyError",
    "DatabaseDamagedError",
    "DatabaseFullError",
    "DatabaseNewerError",
    "DatabaseReadOnlyError",
    "DatabaseUnusableError",
    "DeliveryFailure",
    "DueRun",
    "FiredDueTime",
    "FiredMachine",
    "Firing",
    "FiringCounts",
    "FiringStore",
    "HistoryStore",
    "InstallationStore",
    "JournalEntry",
    "JournalKind",
    "JournalNumber",
    "JournalStore",
    "NotInitialisedError",
    "NoticeFacts",
    "NoticeState",
    "NotifierStore",
    "Outbox",
    "PolicyExistsError",
    "PolicyNotFoundError",
    "PolicyStaleError",
    "PolicyStore",
    "RepositoryNameTakenError",
    "RepositoryNotFoundError",
    "RepositoryStore",
    "RequestedRun",
    "RetryStore",
    "RunFilter",
    "RunLogStore",
    "RunNotFoundError",
    "RunStore",
    "RunTransitionError",
    "SignOfLife",
    "StateFolderError",
    "StoredNotice",
    "StoredNotifier",
    "StoredRepository",
    "StoredVcenter",
    "ToldNotice",
    "VcenterExistsError",
    "VcenterNotFoundError",
    "VcenterStore",
    "create_state_folder",
    "night_key",
    "open_database",
    "require_state_folder",
]
