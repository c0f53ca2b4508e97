"""A session's word, kept in the repository, that it still relies on what it looked up.

docs/repository-format.md, "Dedupe" and "Write order".
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.clock import Clock
from appliance.errors import RepositoryError
from appliance.model.identifiers import InstallationId
from appliance.repository.errors import LeaseExpiredError
from appliance.repository.layout import FORMAT, lease_key, session_leases_prefix
from appliance.repository.sealed_documents import seal_document
from appliance.storage import ObjectMissingError, ObjectStore

logger = logging.getLogger(__name__)

LEASE_DURATION = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class LeaseDocument:
    """What a lease or a renewal says; when it was put is told by the store's own clock."""

    format: str
    session: str
    installation: InstallationId
    number: int
    duration_seconds: int


class Lease:
    """A lease that its session renews; safe for any number of threads. Made by `take_lease`."""

    def __init__(
        self,
        store: ObjectStore,
        clock: Clock,
        session: str,
        installation: InstallationId,
        duration: timedelta = LEASE_DURATION,
    ) -> None:
        self._store = store
        self._clock = clock
        self._session = session
        self._installation = installation
        self._duration = duration
        self._number = _last_number(store, session)
        self._renewed_elapsed: float | None = None
        self._renewed_by_store: datetime | None = None
        self._expired = ""
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        """The object that holds the newest renewal."""
        return lease_key(self._session, self._number)

    def renew(self) -> None:
        """Prolong the lease, to be called several times within its duration.

        Raises:
            LeaseExpiredError: it had expired before; what was looked up under it cannot be relied on.
        """
        with self._lock:
            self._check_own_clock()
            self._number += 1
            document = LeaseDocument(
                FORMAT,
                self._session,
                self._installation,
                self._number,
                int(self._duration.total_seconds()),
            )
            self._store.put_new(self.key, seal_document(document))
            self._check_store_clock()
            self._renewed_elapsed = self._clock.elapsed_seconds()

    def confirm(self) -> None:
        """Make sure that the lease has never expired until now, by both clocks; renews it.

        Raises:
            LeaseExpiredError: it has.
        """
        self.renew()

    def release(self) -> None:
        """Give the lease back."""
        for found in list(self._store.list(session_leases_prefix(self._session))):
            self._store.delete(found.key)

    def _check_own_clock(self) -> None:
        if self._renewed_elapsed is not None:
            passed = timedelta(seconds=self._clock.elapsed_seconds() - self._renewed_elapsed)
            self._note(passed, "the appliance's clock")
        self._raise_if_expired()

    def _check_store_clock(self) -> None:
        information = self._store.information(self.key)
        if information is None:
            raise ObjectMissingError(self.key)
        if self._renewed_by_store is not None:
            self._note(information.modified - self._renewed_by_store, "the repository's clock")
        self._renewed_by_store = information.modified
        self._raise_if_expired()

    def _note(self, passed: timedelta, whose: str) -> None:
        if passed > self._duration and not self._expired:
            self._expired = (
                f"the lease of {self._session} was not renewed for {passed} by {whose}, "
                f"and is good for {self._duration}"
            )

    def _raise_if_expired(self) -> None:
        if self._expired:
            raise LeaseExpiredError(self._expired)


@contextmanager
def take_lease(
    store: ObjectStore,
    clock: Clock,
    session: str,
    installation: InstallationId,
    duration: timedelta = LEASE_DURATION,
) -> Iterator[Lease]:
    """A lease that is held for the body: before the first manifest is read for an index."""
    lease = Lease(store, clock, session, installation, duration)
    lease.renew()
    try:
        yield lease
    finally:
        try:
            lease.release()
        except RepositoryError as error:
            # What the body has done is done, and what it failed with is worth more: the lease expires.
            logger.warning("lease not given back", extra={"session": session, "code": error.code})


def _last_number(store: ObjectStore, session: str) -> int:
    numbers = [
        int(found.key.rpartition("/")[2].removesuffix(".json"))
        for found in store.list(session_leases_prefix(session))
    ]
    return max(numbers, default=0)
