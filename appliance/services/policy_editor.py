"""Policies through a form: tried before they are kept, never over what somebody else has kept meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.documents import to_json
from appliance.model.policies import DueTime, Policy, PolicyId, Retention, Schedule, Selection
from appliance.services.policies import ListedPolicy, PolicyService, SelectionPreview
from appliance.services.policy_form import (
    FieldProblem,
    PolicyForm,
    form_of,
    read_form,
    schedule_in,
    selection_in,
)
from appliance.services.policy_overview import PolicyOverview, coming_due_times
from appliance.services.policy_texts import Difference, differences, when_text
from appliance.services.policy_words import NewPolicy, words_of
from appliance.state import PolicyStaleError

SHOWN_DUE_TIMES = 3

_OF_SELECTION = frozenset({"vcenter", "names", "folders", "tags", "exclude_names"})


@dataclass(frozen=True, slots=True)
class OpenedPolicy:
    """A policy in a form; `digest` tells later whether somebody else has changed it meanwhile."""

    policy: Policy
    form: PolicyForm
    digest: str


@dataclass(frozen=True, slots=True)
class FormPreview:
    """What a form would mean; a part that cannot be told is None or empty, and something says why.

    Fields that are still empty are no problem yet. `when` and `due` are told for a disabled one, too.
    """

    problems: tuple[FieldProblem, ...]
    machines: SelectionPreview | None = None
    failure: ApplianceError | None = None
    when: str = ""
    zone: str = ""
    due: tuple[DueTime, ...] = ()


class PolicyEditor:
    """Adds and changes policies by forms; may be used from any thread.

    `policies` keeps them; `previews` may be one that remembers the inventories it has read.
    """

    def __init__(
        self, policies: PolicyService, previews: PolicyService, overview: PolicyOverview, clock: Clock
    ) -> None:
        self._policies = policies
        self._previews = previews
        self._overview = overview
        self._clock = clock

    def open(self, policy_id: PolicyId) -> OpenedPolicy:
        """The policy's form.

        Raises:
            PolicyNotFoundError: there is none.
        """
        policy = self._overview.find(policy_id).policy
        words = words_of(policy)
        return OpenedPolicy(policy, form_of(words), _digest(words))

    def preview(self, form: PolicyForm) -> FormPreview:
        """What the form would mean if it were saved now; nothing is kept."""
        found = read_form(form).problems
        problems = tuple(each for each in found if getattr(form, each.field).strip())
        when, due = self._when(form)
        zone = form.zone.strip()
        if _OF_SELECTION.intersection(each.field for each in found):
            return FormPreview(problems, when=when, zone=zone, due=due)
        try:
            machines = self._previews.preview(form.vcenter, selection_in(form))
        except ApplianceError as error:
            return FormPreview(problems, failure=error, when=when, zone=zone, due=due)
        return FormPreview(problems, machines, when=when, zone=zone, due=due)

    def add(self, words: NewPolicy) -> ListedPolicy:
        """See `PolicyService.add`."""
        return self._policies.add(words)

    def save(self, policy_id: PolicyId, digest: str, words: NewPolicy) -> ListedPolicy:
        """Give the policy these words, unless it has others than when its form was opened.

        Raises:
            PolicyStaleError: it was changed meanwhile; nothing was saved.
            PolicyNotFoundError: it was removed meanwhile.
            VcenterNotFoundError, PolicyExistsError: see `PolicyService.change`; nothing was saved.
        """
        policy = self._overview.find(policy_id).policy
        if _digest(words_of(policy)) != digest:
            raise PolicyStaleError(f"somebody has changed the policy {policy.name} meanwhile")
        return self._policies.change(policy.name, words, expected=policy)

    def differences(self, policy_id: PolicyId, words: NewPolicy) -> tuple[Difference, ...]:
        """What these words say differently from the policy as it is saved now.

        Raises:
            PolicyNotFoundError: there is none.
        """
        return differences(words_of(self._overview.find(policy_id).policy), words)

    def _when(self, form: PolicyForm) -> tuple[str, tuple[DueTime, ...]]:
        try:
            schedule = schedule_in(form)
        except ValueError:
            return "", ()  # the field's own problem says why
        return when_text(schedule), self._due(schedule)

    def _due(self, schedule: Schedule) -> tuple[DueTime, ...]:
        now = self._clock.now()
        anything = Selection(names=("*",))
        policy = Policy(PolicyId(""), "preview", "", anything, schedule, Retention(), now)
        return coming_due_times(policy, now, SHOWN_DUE_TIMES)


def _digest(words: NewPolicy) -> str:
    return hashlib.sha256(to_json(words)).hexdigest()
