"""The vCenters this appliance logs in to."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from appliance.state.database import Database
from appliance.state.errors import VcenterExistsError, VcenterNotFoundError
from appliance.state.tables import VcenterRow


@dataclass(frozen=True, slots=True)
class StoredVcenter:
    """How to reach one vCenter; the password is sealed, the thumbprint is the pin that was confirmed."""

    name: str
    host: str
    port: int
    user: str
    thumbprint: str
    sealed_password: bytes = field(repr=False)


class VcenterStore:
    """The vCenters by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, vcenter: StoredVcenter) -> None:
        """Remember one.

        Raises:
            VcenterExistsError: the name is taken.
        """
        with self._database.writing() as session:
            if session.get(VcenterRow, vcenter.name) is not None:
                raise VcenterExistsError(f"a vCenter named {vcenter.name} was added already")
            session.execute(
                insert(VcenterRow).values(
                    name=vcenter.name,
                    host=vcenter.host,
                    port=vcenter.port,
                    user=vcenter.user,
                    thumbprint=vcenter.thumbprint,
                    sealed_password=vcenter.sealed_password,
                )
            )

    def find(self, name: str) -> StoredVcenter:
        """The one with this name.

        Raises:
            VcenterNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return _value_of(_existing(session, name))

    def list(self) -> list[StoredVcenter]:
        """All of them, by name."""
        with self._database.reading() as session:
            return [_value_of(row) for row in session.scalars(select(VcenterRow).order_by(VcenterRow.name))]

    def remove(self, name: str) -> None:
        """Forget one.

        Raises:
            VcenterNotFoundError: there is none.
        """
        with self._database.writing() as session:
            _existing(session, name)
            session.execute(delete(VcenterRow).where(VcenterRow.name == name))


def _existing(session: Session, name: str) -> VcenterRow:
    row = session.get(VcenterRow, name)
    if row is None:
        raise VcenterNotFoundError(f"there is no vCenter named {name}")
    return row


def _value_of(row: VcenterRow) -> StoredVcenter:
    return StoredVcenter(
        name=row.name,
        host=row.host,
        port=row.port,
        user=row.user,
        thumbprint=row.thumbprint,
        sealed_password=row.sealed_password,
    )
