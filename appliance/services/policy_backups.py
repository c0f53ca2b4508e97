"""All machines of a policy, backed up now because a person wants it."""

from __future__ import annotations

from appliance.clock import Clock
from appliance.model.policies import Policy
from appliance.model.runs import RunLogLine
from appliance.services.backups import BackupOrder, BackupService
from appliance.services.console_errors import NothingMeantError
from appliance.services.policies import PolicyService
from appliance.services.policy_words import words_of
from appliance.state import RequestedRun, RunLogStore


class PolicyBackups:
    """Queues what a policy would queue when it is due; its due times stay as they are."""

    def __init__(
        self, policies: PolicyService, backups: BackupService, log: RunLogStore, clock: Clock
    ) -> None:
        self._policies = policies
        self._backups = backups
        self._log = log
        self._clock = clock

    def request(self, policy: Policy) -> list[RequestedRun]:
        """One run for each machine that the policy means now, as vCenter tells it now.

        Raises:
            NothingMeantError: it means no machine.
            RepositoryError: there is nowhere to put recovery points; nothing was queued.
            VcenterError: the machines cannot be told; nothing was queued.
        """
        meant = self._policies.preview(policy.vcenter, words_of(policy).selection).selected
        if not meant:
            raise NothingMeantError(f"the policy {policy.name} means no machine today")
        machines = [each.machine for each in meant]
        order = BackupOrder(
            policy.vcenter,
            [machine.moref for machine in machines],
            policy.accepted_disks,
            consistency=policy.consistency,
        )
        requested = self._backups.request_known(order, machines)
        for each in requested:
            text = f"asked for by a person, for all machines of policy {policy.name}"
            self._log.append(each.run.id, RunLogLine(self._clock.now(), text, warning=False))
        return requested
