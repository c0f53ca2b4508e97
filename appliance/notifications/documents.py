"""A notice as programs read it: the JSON document of the webhook. docs/notifications.md has the schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.documents import to_json
from appliance.model.notifications import (
    MachineTrouble,
    Notice,
    NoticeKey,
    NoticeKind,
    NoticeMachine,
    NoticeReason,
)
from appliance.notifications.texts import text_of

SCHEMA = "keepline.notice/1"
"""Fields are only ever added under this name; a change of meaning gets a new one."""
LISTED_MACHINES = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """Which appliance speaks: the name of its machine, and its installation id (empty before `init`)."""

    name: str
    installation: str

    @property
    def signature(self) -> str:
        """As messages end."""
        return f"Keepline on {self.name}" + (
            f", installation {self.installation}" if self.installation else ""
        )


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """An error as everywhere in Keepline's JSON."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class MachineDocument:
    """One machine."""

    name: str
    trouble: MachineTrouble
    run: str
    last_point_at: datetime | None
    missing_disks: tuple[str, ...]
    error: ErrorDocument | None


@dataclass(frozen=True, slots=True)
class NoticeDocument:
    """One message; a second copy has the same `id`. `machine_count` counts those that are not listed too."""

    schema: str
    id: NoticeKey
    kind: NoticeKind
    at: datetime
    appliance: Origin
    policy: str | None
    due_at: datetime | None
    title: str
    text: str
    reason: NoticeReason | None
    machine_count: int
    machines: tuple[MachineDocument, ...]


def document_of(notice: Notice, origin: Origin) -> bytes:
    """The body of a request: the same bytes each time the same notice is sent."""
    return to_json(
        NoticeDocument(
            schema=SCHEMA,
            id=notice.key,
            kind=notice.kind,
            at=notice.at,
            appliance=origin,
            policy=notice.policy_name or None,
            due_at=notice.due_at,
            title=notice.title,
            text=text_of(notice, origin.signature),
            reason=notice.reason,
            machine_count=len(notice.machines),
            machines=tuple(map(_machine, notice.machines[:LISTED_MACHINES])),
        )
    )


def _machine(machine: NoticeMachine) -> MachineDocument:
    error = ErrorDocument(machine.code, machine.message, machine.remedy) if machine.code else None
    return MachineDocument(
        machine.name, machine.trouble, machine.run, machine.last_point_at, machine.missing_disks, error
    )
