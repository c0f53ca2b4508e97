"""Points that are no longer offered, points in doubt, drafts that are no longer needed."""

from __future__ import annotations

from appliance.clock import Clock
from appliance.model.identifiers import RunId
from appliance.model.recovery_points import (
    RecoveryPoint,
    SuspectDisk,
    SuspectMark,
    Tombstone,
    TombstoneReason,
)
from appliance.repository.layout import (
    DRAFTS,
    FORMAT,
    MANIFESTS,
    draft_key,
    run_drafts_prefix,
    suspect_key,
    tombstone_key,
)
from appliance.repository.repository import Repository
from appliance.repository.sealed_documents import seal_document
from appliance.storage import ObjectExistsError, ObjectStore


def retire_point(repository: Repository, point: RecoveryPoint, clock: Clock, explanation: str) -> None:
    """Stop offering a point; nothing is deleted. Done already is done."""
    tombstone = Tombstone(
        FORMAT, point.machine.key, point.id, clock.now(), TombstoneReason.RETIRED, explanation
    )
    put_tombstone(repository.store, tombstone)


def put_tombstone(store: ObjectStore, tombstone: Tombstone) -> None:
    """Keep a tombstone, unless the point has one."""
    try:
        store.put_new(tombstone_key(tombstone.machine, tombstone.point), seal_document(tombstone))
    except ObjectExistsError:
        return


def mark_suspect(
    repository: Repository,
    point: RecoveryPoint,
    found_by: RunId,
    disks: tuple[SuspectDisk, ...],
    clock: Clock,
    explanation: str,
) -> None:
    """Mark blocks of a point as doubtful: `found_by` read other bytes than change tracking had promised."""
    mark = SuspectMark(FORMAT, point.machine.key, point.id, found_by, clock.now(), explanation, disks)
    try:
        repository.store.put_new(suspect_key(point.machine.key, point.id, found_by), seal_document(mark))
    except ObjectExistsError:  # the same run's commit is repeated
        return


def delete_drafts(repository: Repository, run: RunId) -> None:
    """Remove all drafts of a run: its point is durable, or it is given up or starts anew.

    The documents go first, so that no draft looks complete while its parts are gone.
    """
    keys = [found.key for found in repository.store.list(run_drafts_prefix(run))]
    for key in sorted(keys, key=lambda key: not key.endswith(draft_key(""))):
        repository.store.delete(key)


def delete_committed_drafts(repository: Repository) -> tuple[RunId, ...]:
    """Remove the drafts of runs whose point exists: what a crash right after the manifest left."""
    store = repository.store
    runs = {RunId(found.key.split("/")[1]) for found in store.list(DRAFTS)}
    points = {found.key.rpartition("/")[2].removesuffix(".json") for found in store.list(MANIFESTS)}
    committed = tuple(sorted(runs & points))
    for run in committed:
        delete_drafts(repository, run)
    return committed
