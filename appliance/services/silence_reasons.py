"""Why nobody took a due time up: found out when it is told, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.model.notifications import NoticeReason
from appliance.model.policies import Policy
from appliance.services.policy_inventory import PolicyInventory


class SilenceReasons:
    """Looks for the reason of a silence; it may log in to a vCenter."""

    def __init__(self, inventory: PolicyInventory, is_engine_running: Callable[[], bool]) -> None:
        self._inventory = inventory
        self._is_engine_running = is_engine_running

    def of(self, policy: Policy) -> NoticeReason:
        """The reason that explains most."""
        return next(self._found(policy))

    def _found(self, policy: Policy) -> Iterator[NoticeReason]:
        if not self._is_engine_running():
            yield NoticeReason("No engine is running.", "Start it: its service, or `keepline engine`.")
        failure = self._inventory.of([policy]).failures.get(policy.vcenter)
        if failure is not None:
            text = f"vCenter {policy.vcenter} cannot be used: {failure}"
            yield NoticeReason(text, failure.remedy, failure.code)
        yield NoticeReason(
            "The engine is running, and runs have not ended or were not begun.",
            "See what runs and waits with `keepline run list`, and the engine's log.",
        )
