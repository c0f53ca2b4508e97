"""Every object key as a function: docs/repository-format.md, "Object keys"."""

from __future__ import annotations

from appliance.model.identifiers import InstallationId, RecoveryPointId, RunId, SegmentId
from appliance.model.recovery_points import BlockMapKind
from appliance.model.virtual_machines import VirtualDisk

FORMAT = "1-draft"
BLOCK_DIGEST = "blake3-256"

IDENTITY_KEY = "keepline.json"
INSTALLATIONS = "installation/"
STARTS = "starts/"
SEGMENTS = "segments/"
MAPS = "maps/"
CONFIGURATIONS = "configurations/"
MANIFESTS = "manifests/"
SUSPECTS = "suspects/"
TOMBSTONES = "tombstones/"
DRAFTS = "drafts/"
LEASES = "leases/"
CONDEMNED = "condemned/"


def disk_key(disk: VirtualDisk) -> str:
    """Which disk it is: its backing UUID, or its device key where the backing has none."""
    return disk.backing_uuid.lower() or f"device-{disk.device_key}"


def disk_word(disk: VirtualDisk) -> str:
    """A disk as one word of a key, different for all disks of one machine.

    A disk file that was copied keeps its UUID, and both may be attached to one machine.
    """
    return f"{disk.backing_uuid.lower() or 'device'}.{disk.device_key}"


def installation_key(installation: InstallationId) -> str:
    """An appliance that writes here."""
    return f"{INSTALLATIONS}{installation}.json"


def engine_starts_prefix(installation: InstallationId) -> str:
    """Where the starts of one installation's engines are."""
    return f"{STARTS}{installation}/"


def engine_start_key(installation: InstallationId, number: int) -> str:
    """One start of an engine."""
    return f"{engine_starts_prefix(installation)}{number:08d}.json"


def segment_key(segment: SegmentId) -> str:
    """Encoded blocks."""
    return f"{SEGMENTS}{segment[:2]}/{segment}"


def block_map_key(
    machine_key: str, disk: VirtualDisk, point: RecoveryPointId, token: str, kind: BlockMapKind
) -> str:
    """A block map; `token` is new for every attempt to commit."""
    return f"{MAPS}{machine_key}/{disk_word(disk)}/{point}.{token}.{kind}.parquet"


def configuration_key(machine_key: str, point: RecoveryPointId, token: str, suffix: str) -> str:
    """A part of the machine's configuration: `suffix` is `json`, `vmx` or `nvram`."""
    return f"{CONFIGURATIONS}{machine_key}/{point}.{token}.{suffix}"


def manifests_prefix(machine_key: str) -> str:
    """Where the manifests of one machine are."""
    return f"{MANIFESTS}{machine_key}/"


def manifest_key(machine_key: str, point: RecoveryPointId) -> str:
    """The commit point."""
    return f"{MANIFESTS}{machine_key}/{point}.json"


def suspects_prefix(machine_key: str, point: RecoveryPointId) -> str:
    """Where marks of doubt about one point are."""
    return f"{SUSPECTS}{machine_key}/{point}/"


def suspect_key(machine_key: str, point: RecoveryPointId, found_by: RunId) -> str:
    """What one run found to be doubtful about one point."""
    return f"{suspects_prefix(machine_key, point)}{found_by}.json"


def tombstone_key(machine_key: str, point: RecoveryPointId) -> str:
    """Says that a point is no longer offered."""
    return f"{TOMBSTONES}{machine_key}/{point}.json"


def run_drafts_prefix(run: RunId) -> str:
    """Where all drafts of a run are."""
    return f"{DRAFTS}{run}/"


def draft_prefix(run: RunId, disk: VirtualDisk) -> str:
    """Where the draft of one disk is."""
    return f"{DRAFTS}{run}/{disk_word(disk)}/"


def draft_part_key(prefix: str, number: int) -> str:
    """One checkpoint part of a draft."""
    return f"{prefix}{number:08d}.rows"


def draft_key(prefix: str) -> str:
    """The document that makes a draft complete."""
    return f"{prefix}draft.json"


def session_leases_prefix(session: str) -> str:
    """Where one session's lease and its renewals are."""
    return f"{LEASES}{session}/"


def lease_key(session: str, number: int) -> str:
    """A lease (1) or a renewal of it."""
    return f"{LEASES}{session}/{number:08d}.json"
