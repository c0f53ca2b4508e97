"""A lease that stays fresh however long a run takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.errors import RepositoryError
from appliance.model.identifiers import InstallationId, RunId
from appliance.repository.errors import LeaseExpiredError
from appliance.repository.leases import LEASE_DURATION, Lease, take_lease
from appliance.run_context import Tools

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 6


@contextmanager
def renewed_lease(tools: Tools, installation: InstallationId, run: RunId) -> Iterator[Lease]:
    """A lease for `run`, renewed by a thread of its own; whoever commits still has to confirm it."""
    with take_lease(tools.repository.store, tools.clock, run, installation) as lease:
        ended = threading.Event()
        keeper = threading.Thread(target=_keep, args=(lease, ended), name=f"lease-{run}", daemon=True)
        keeper.start()
        try:
            yield lease
        finally:
            ended.set()
            keeper.join()


def _keep(lease: Lease, ended: threading.Event) -> None:
    pause = LEASE_DURATION.total_seconds() / RENEWALS_PER_LEASE
    while not ended.wait(pause):
        try:
            lease.renew()
        except LeaseExpiredError:
            return  # the lease remembers; confirming it before the commit says so
        except RepositoryError as error:
            logger.warning("lease not renewed", extra={"code": error.code})  # the next try may succeed
