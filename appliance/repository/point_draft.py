"""Everything a run knows of the recovery point it is about to make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.change_tracking import CoverageProof, ReadScope, ScopeReason
from appliance.model.identifiers import InstallationId, RecoveryPointId, RunId
from appliance.model.recovery_points import Consistency, ExcludedDisk
from appliance.model.virtual_machines import MachineConfiguration, MachineIdentity, VirtualDisk
from appliance.repository.points import Parent


@dataclass(frozen=True, slots=True)
class CapturedDisk:
    """One disk that was read: its draft and why it was read the way it was.

    `parent` is the image the run compared with and asked change tracking against; the very one, not the
    newest at commit time. `expected_blocks` is the number of blocks in the scope, where the engine knows it.
    """

    disk: VirtualDisk
    draft_key: str
    scope: ReadScope
    scope_reason: ScopeReason
    parent: Parent | None
    coverage: CoverageProof | None = None
    expected_blocks: int | None = None


@dataclass(frozen=True, slots=True)
class PointDraft:
    """Everything a run knows of the point it is about to make."""

    run: RunId
    installation: InstallationId
    machine: MachineIdentity
    machine_name: str
    machine_path: str
    created_at: datetime
    consistency: Consistency
    disks: tuple[CapturedDisk, ...]
    excluded_disks: tuple[ExcludedDisk, ...]
    configuration: MachineConfiguration
    software: str

    @property
    def point(self) -> RecoveryPointId:
        """The id of the point: the run's."""
        return RecoveryPointId(self.run)
