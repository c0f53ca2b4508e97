"""Who is signed in, kept in the console's memory: signing out ends a session for every copy of its cookie.

The cookie holds 256 random bits and nothing else; the table knows their digest. A restart of the console
signs everybody out, which costs a password and no work: forms are kept over a sign-in. A worker that was
killed signs nobody out: the next one goes on with what `SessionMemory` holds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from web.session_memory import SessionMemory

IDLE_LIMIT = timedelta(hours=1)
WHOLE_LIMIT = timedelta(hours=12)
MOST_SESSIONS = 100


@dataclass(slots=True)
class ConsoleSession:
    """One browser that is signed in; `stamp` is the password's at the time of the sign-in.

    `notices` wait for the next page; a worker that is killed takes them along.
    """

    stamp: str
    began: datetime
    used: datetime
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    notices: list[tuple[str, str]] = field(default_factory=list)

    def is_over(self, stamp: str, now: datetime) -> bool:
        """Whether it was idle or open for too long, or the password has changed."""
        return now - self.used > IDLE_LIMIT or now - self.began > WHOLE_LIMIT or stamp != self.stamp


class SessionTable:
    """All sessions of one console; may be used from any thread."""

    def __init__(self, memory: SessionMemory) -> None:
        self._memory = memory
        self._sessions = _unpacked(memory.load())
        self._lock = threading.Lock()

    def begin(self, stamp: str, now: datetime) -> str:
        """A new session's token, for its cookie; the session that was idle longest makes room."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            if len(self._sessions) >= MOST_SESSIONS:
                del self._sessions[min(self._sessions, key=lambda key: self._sessions[key].used)]
            self._sessions[_key(token)] = ConsoleSession(stamp, now, now)
            self._keep()
        return token

    def find(self, token: str, stamp: str, now: datetime, *, by_hand: bool) -> ConsoleSession | None:
        """The session of this token; one that is over is forgotten. Only use `by_hand` keeps it open."""
        key = _key(token)
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if session.is_over(stamp, now):
                del self._sessions[key]
                self._keep()
                return None
            if by_hand:
                session.used = now
                self._keep()
            return session

    def end(self, token: str) -> None:
        """Forget the session of this token."""
        with self._lock:
            self._sessions.pop(_key(token), None)
            self._keep()

    def _keep(self) -> None:
        self._memory.save(_packed(self._sessions))


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _packed(sessions: Mapping[str, ConsoleSession]) -> bytes:
    rows = {
        key: [session.stamp, session.began.isoformat(), session.used.isoformat(), session.csrf_token]
        for key, session in sessions.items()
    }
    return json.dumps(rows).encode()


def _unpacked(content: bytes) -> dict[str, ConsoleSession]:
    rows: dict[str, list[str]] = json.loads(content) if content else {}
    return {
        key: ConsoleSession(stamp, datetime.fromisoformat(began), datetime.fromisoformat(used), csrf_token)
        for key, (stamp, began, used, csrf_token) in rows.items()
    }
