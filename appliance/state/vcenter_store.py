"""The vCenters this appliance logs in to."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, select
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

    def put(self, vcenter: StoredVcenter) -> None:
        """Remember one, or what has changed of one: everything but its name and address.

        Raises:
            VcenterExistsError: the name is taken by a vCenter at another address.
        """
        with self._database.writing() as session:
            known = session.get(VcenterRow, vcenter.name)
            if known is None:
                known = VcenterRow(name=vcenter.name, host=vcenter.host, port=vcenter.port)
                session.add(known)
            elif (known.host, known.port) != (vcenter.host, vcenter.port):
                raise VcenterExistsError(f"vCenter {vcenter.name} is {known.host}:{known.port}")
            known.user = vcenter.user
            known.thumbprint = vcenter.thumbprint
            known.sealed_password = vcenter.sealed_password

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
