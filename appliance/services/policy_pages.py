"""Everything the console's policy pages call, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.services.policies import PolicyService
from appliance.services.policy_backups import PolicyBackups
from appliance.services.policy_editor import PolicyEditor
from appliance.services.policy_overview import PolicyOverview
from appliance.services.retention import RetentionService


@dataclass(frozen=True, slots=True)
class PolicyPages:
    """`policies` asks vCenter each time; what only looks goes by inventories that were read a moment ago."""

    policies: PolicyService
    overview: PolicyOverview
    editor: PolicyEditor
    backups: PolicyBackups
    retention: RetentionService
