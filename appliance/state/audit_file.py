"""The audit trail: a file of JSON lines in the state folder, only ever added to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.model.documents import to_json
from appliance.state.errors import AuditFileError

AUDIT_FILE = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what, when, from where, to what."""

    at: datetime
    actor: str
    source: str
    action: str
    subject: str


class AuditFile:
    """The trail in `folder`; lines of several processes and threads do not mix."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / AUDIT_FILE

    def record(self, at: datetime, actor: str, source: str, action: str, subject: str) -> None:
        """Add a line.

        Raises:
            AuditFileError: it cannot be written.
        """
        line = to_json(AuditLine(at, actor, source, action, subject)) + b"\n"
        try:
            # One write of one line to a file opened for appending is not torn by another (POSIX write()).
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditFileError(
                f"the audit trail {self._path} cannot be written: {error.strerror}"
            ) from error
