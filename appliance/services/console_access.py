"""Who may use the console: one administrator with a password, and a line for everything that is tried."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from appliance.clock import Clock
from appliance.errors import ApplianceStateError
from appliance.services.audit import AuditTrail
from appliance.services.console_errors import (
    ConsolePasswordTooShortError,
    NoConsolePasswordError,
    SignInRefusedError,
    TooManySignInsError,
)
from appliance.services.sign_in_limit import SignInLimit

ADMINISTRATOR = "admin"
SHORTEST_PASSWORD = 12

_log = logging.getLogger(__name__)


class ConsolePasswords(Protocol):
    """Where the console's password is kept."""

    def stamp(self) -> str:
        """What changes whenever the password does; empty before the first."""
        ...

    def put(self, password: str) -> None:
        """Make this the password."""
        ...

    def matches(self, password: str) -> bool:
        """Whether this is the password."""
        ...


class ConsoleAccessService:
    """The console's sign-in; may be used from any thread."""

    def __init__(self, passwords: ConsolePasswords, audit: AuditTrail, clock: Clock) -> None:
        self._passwords = passwords
        self._audit = audit
        self._clock = clock
        self._limit = SignInLimit()
        self._lock = threading.Lock()

    def stamp(self) -> str:
        """What changes with the password, which ends all sessions; empty where none was set yet.

        Raises:
            ApplianceStateError: it cannot be read.
        """
        return self._passwords.stamp()

    def set_password(self, password: str, source: str) -> None:
        """Make this the administrator's password; `source` is where that was asked.

        Raises:
            ConsolePasswordTooShortError: it has fewer than 12 characters.
            ApplianceStateError: it cannot be written.
        """
        if len(password) < SHORTEST_PASSWORD:
            raise ConsolePasswordTooShortError(
                f"a password of {len(password)} characters is too short: at least {SHORTEST_PASSWORD}"
            )
        self._passwords.put(password)
        self.record("set password", source)

    def sign_in(self, password: str, source: str) -> None:
        """Return if this is the password; `source` is the address the attempt came from.

        Raises:
            NoConsolePasswordError: none was set yet.
            TooManySignInsError: this source failed too often and has to wait; nothing was compared.
            SignInRefusedError: it is not the password.
        """
        if not self._passwords.stamp():
            raise NoConsolePasswordError("the console has no password yet")
        with self._lock:
            wait = self._limit.wait_seconds(source, self._clock.elapsed_seconds())
        if wait > 0:
            raise TooManySignInsError(f"too many wrong passwords: wait {wait:.0f} seconds")
        if self._passwords.matches(password):
            with self._lock:
                self._limit.succeeded(source)
            self.record("sign in", source)
            return
        with self._lock:
            self._limit.failed(source, self._clock.elapsed_seconds())
        self.record("sign in refused", source)
        raise SignInRefusedError("this is not the password")

    def record(self, action: str, source: str, subject: str = "") -> None:
        """Write a line of audit. One that cannot be written is said in the log and stops nobody."""
        try:
            self._audit.record(self._clock.now(), ADMINISTRATOR, source, action, subject)
        except ApplianceStateError:
            _log.exception("audit line was lost: %s from %s", action, source)
