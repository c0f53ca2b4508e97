"""Finds out what is to be told, and delivers it: for the engine, and for `keepline notifier check`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.notifications import Notice, NoticeKind, NoticeReason
from appliance.model.policies import PolicyId
from appliance.notifications import Delivery, RecipientsRefusedError
from appliance.services.notice_decisions import SILENT_AFTER, notices_of
from appliance.services.notifier_courier import NotifierCourier
from appliance.services.silence_reasons import SilenceReasons
from appliance.state import (
    DeliveryFailure,
    NoticeFacts,
    NoticeState,
    NotifierStore,
    StoredNotice,
    StoredNotifier,
)

log = logging.getLogger(__name__)

PAUSES = (*(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30)), timedelta(hours=1))
"""Between attempts; the last one from then on."""
GIVEN_UP_AFTER = timedelta(days=7)
CLAIM = timedelta(minutes=5)
"""Longer than any conversation: a message whose sender crashed is sent again after this time."""


@dataclass(frozen=True, slots=True)
class NotifierReport:
    """What one look has brought: what was found out, what was delivered, and why delivery stopped."""

    told: tuple[Notice, ...] = ()
    delivered: tuple[Notice, ...] = ()
    failure: ApplianceError | None = None


class NotifierKeeper:
    """Tells each thing once, however many processes look at once.

    What is to be told is decided and remembered in one transaction. A message is claimed before it is sent,
    so two processes do not both send it; one that crashes between sending and remembering sends it again.
    """

    def __init__(
        self, store: NotifierStore, courier: NotifierCourier, reasons: SilenceReasons, clock: Clock
    ) -> None:
        self._store = store
        self._courier = courier
        self._reasons = reasons
        self._clock = clock

    def note(self) -> tuple[Notice, ...]:
        """Find out what is to be told and remember it; what is new. Nothing is sent."""
        now = self._clock.now()
        facts = self._store.facts(SILENT_AFTER, now)
        found = () if facts is None else notices_of(facts, now)
        if facts is None or not found:
            return ()
        reasons = self._reasons_of(facts, found)  # may ask a vCenter: not while others wait for the database
        new = self._store.record(
            lambda facts: [_explained(notice, reasons) for notice in notices_of(facts, now)],
            SILENT_AFTER,
            now,
        )
        for notice in new:
            log.info("notice recorded", extra={"notice": notice.key})
        return new

    def deliver(self) -> NotifierReport:
        """Send what is due, until nothing is left or the way out fails."""
        delivered: list[Notice] = []
        stored = self._store.find()
        while stored is not None and (claimed := self._claim()) is not None:
            failure = self._deliver(stored, claimed)
            if failure is not None:
                return NotifierReport((), tuple(delivered), failure)
            delivered.append(claimed.notice)
        return NotifierReport((), tuple(delivered))

    def check(self) -> NotifierReport:
        """Both, for whoever looks from outside."""
        told = self.note()
        return replace(self.deliver(), told=told)

    def wake(self) -> datetime | None:
        """Deliver; when to try again, None where nothing waits. Nothing here ends the engine."""
        try:
            self.deliver()
            return self._store.next_try_at()
        except ApplianceError as error:
            log.warning("notices wait", extra={"reason": str(error), "code": error.code})
            return None

    def _claim(self) -> StoredNotice | None:
        now = self._clock.now()
        return self._store.claim(now, now + CLAIM)

    def _deliver(self, stored: StoredNotifier, claimed: StoredNotice) -> ApplianceError | None:
        """Send one claimed message, and remember what became of it; why it was not taken, else None."""
        key = claimed.notice.key
        try:
            delivery = self._courier.send(stored, claimed.notice)
        except ApplianceError as error:  # whatever it is, the message waits and the engine goes on
            self._put_off(claimed, error)
            return error
        refusal = _refusal(stored, delivery)
        failure = None if refusal is None else self._failure(refusal)
        self._store.settle(key, NoticeState.DELIVERED, self._clock.now(), failure)
        log.info("notice delivered", extra={"notice": key})
        return None

    def _put_off(self, claimed: StoredNotice, error: ApplianceError) -> None:
        now, notice = self._clock.now(), claimed.notice
        log.warning(
            "notice not delivered", extra={"notice": notice.key, "reason": str(error), "code": error.code}
        )
        pause = PAUSES[min(claimed.attempts, len(PAUSES)) - 1]
        self._store.postpone(notice.key, self._failure(error), now + pause)
        if now - notice.at >= GIVEN_UP_AFTER:
            self._store.settle(notice.key, NoticeState.GIVEN_UP, now, self._failure(error))

    def _failure(self, error: ApplianceError) -> DeliveryFailure:
        return DeliveryFailure(error.code, str(error), error.remedy, self._clock.now())

    def _reasons_of(self, facts: NoticeFacts, found: Sequence[Notice]) -> dict[PolicyId, NoticeReason]:
        silent = {notice.policy for notice in found if notice.kind is NoticeKind.SILENCE}
        return {policy.id: self._reasons.of(policy) for policy in facts.policies if policy.id in silent}


def _explained(notice: Notice, reasons: Mapping[PolicyId, NoticeReason]) -> Notice:
    if notice.kind is NoticeKind.SILENCE and notice.policy is not None and notice.policy in reasons:
        return replace(notice, reason=reasons[notice.policy])
    return notice


def _refusal(stored: StoredNotifier, delivery: Delivery) -> RecipientsRefusedError | None:
    """Some have the message, so it is delivered; that others were refused must not be lost."""
    if not delivery.refused:
        return None
    return RecipientsRefusedError(stored.notifier.host, delivery.refused)
