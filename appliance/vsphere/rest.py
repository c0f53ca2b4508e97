"""VCenter's REST services: a log-in of their own, beside the SOAP connection, and the same certificate.

Source: vSphere Automation API reference, "Cis Session". They are served below `/api` since vCenter 7.0
Update 2 (Broadcom KB 83022); what an older vCenter serves below `/rest` is not asked for.
"""

from __future__ import annotations

import base64
import http.client
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

from appliance.errors import VcenterError
from appliance.model.documents import from_json, to_json
from appliance.model.units import MIB
from appliance.vsphere.certificates import connection_error
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import (
    LoginRefusedError,
    ObjectGoneError,
    PermissionMissingError,
    SessionLostError,
    TagsUnreadableError,
    VcenterAnswerError,
    VcenterRefusedError,
)
from appliance.vsphere.session import BROKEN_CONNECTION

log = logging.getLogger(__name__)

CALL_LIMIT_SECONDS = 120
# Ten thousand machines with twenty tags each have about 10 MiB of references.
LARGEST_ANSWER = 256 * MIB
SESSION_PATH = "/api/session"
SESSION_HEADER = "vmware-api-session-id"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    content: bytes

    @property
    def text(self) -> str:
        return f"HTTP {self.status} {self.reason}"


class RestSession:
    """A log-in to the REST services of one vCenter, for one thread; made by `rest_session`.

    Every call here only reads: it is sent again once when the connection broke under it, and after a new
    log-in when vCenter has ended the session.
    """

    def __init__(self, connection: VcenterConnection) -> None:
        self._address = connection.address
        self._wire = http.client.HTTPSConnection(
            self._address.host, self._address.port, timeout=CALL_LIMIT_SECONDS, context=connection.tls_context
        )
        self._session = ""

    def read(self, kind: type[Value], *path: str) -> Value:
        """What is there, as a value of `kind`.

        Raises:
            ObjectGoneError: nothing is there.
            VcenterError: vCenter refused, or is away.
        """
        return self._value(kind, "GET", _path(path), b"")

    def ask(self, kind: type[Value], *path: str, action: str, body: object) -> Value:
        """The answer to a question, as a value of `kind`.

        Raises:
            ObjectGoneError: what the question names is not there.
            VcenterError: vCenter refused, or is away.
        """
        return self._value(kind, "POST", f"{_path(path)}?{urlencode({'action': action})}", to_json(body))

    def log_in(self) -> None:
        """Begin a session.

        Raises:
            LoginRefusedError: vCenter does not take the account.
            TagsUnreadableError: the REST services do not answer, or there are none.
        """
        account = f"{self._address.user}:{self._address.password}".encode()
        basic = {"Authorization": f"Basic {base64.b64encode(account).decode()}"}
        answer = self._exchange("POST", SESSION_PATH, b"", basic)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise LoginRefusedError(self._address.label, self._address.user)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise TagsUnreadableError(self._address.label, f"it serves nothing at {SESSION_PATH}")
        self._session = self._decoded(str, answer, f"POST {SESSION_PATH}")

    def close(self) -> None:
        """Give the session back; a vCenter that is away is no error here, it ends sessions by itself."""
        with suppress(VcenterError):
            if self._session:
                self._exchange("DELETE", SESSION_PATH, b"", {SESSION_HEADER: self._session})
        self._wire.close()

    def _value(self, kind: type[Value], method: str, target: str, body: bytes) -> Value:
        answer = self._exchange(method, target, body, {SESSION_HEADER: self._session})
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.log_in()
            answer = self._exchange(method, target, body, {SESSION_HEADER: self._session})
        return self._decoded(kind, answer, f"{method} {target}")

    def _decoded(self, kind: type[Value], answer: _Answer, call: str) -> Value:
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._refused(answer, call)
        if len(answer.content) > LARGEST_ANSWER:
            raise VcenterAnswerError(f"vCenter {self._address.label} answered {call} without end")
        try:
            return from_json(kind, answer.content)
        except ValueError as error:
            raise VcenterAnswerError(
                f"vCenter {self._address.label} answered {call} with something unreadable: {error}"
            ) from error

    def _refused(self, answer: _Answer, call: str) -> VcenterError:
        message = f"vCenter {self._address.label} refused {call}: {answer.text}"
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return SessionLostError(f"{message}, right after a new log-in of {self._address.user}")
        if answer.status == HTTPStatus.FORBIDDEN:
            return PermissionMissingError(message)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ObjectGoneError(message)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return TagsUnreadableError(self._address.label, f"{call}: {answer.text}")
        return VcenterRefusedError(message)

    def _exchange(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> _Answer:
        try:
            return self._exchange_once(method, target, body, headers)
        except BROKEN_CONNECTION as error:  # a lost answer costs nothing: nothing here changes anything
            log.info("vCenter closed the connection, trying again", extra={"reason": repr(error)})
            self._wire.close()
        except (OSError, http.client.HTTPException) as error:
            raise self._unanswered(error) from error
        try:
            return self._exchange_once(method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise self._unanswered(error) from error

    def _exchange_once(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> _Answer:
        sent = headers | ({"Content-Type": "application/json"} if body else {})
        self._wire.request(method, target, body=body or None, headers=sent)
        response = self._wire.getresponse()
        return _Answer(response.status, response.reason, response.read(LARGEST_ANSWER + 1))

    def _unanswered(self, error: Exception) -> VcenterError:
        self._wire.close()  # in the middle of an answer, it can carry no other call
        return connection_error(self._address, error)


@contextmanager
def rest_session(connection: VcenterConnection) -> Iterator[RestSession]:
    """A log-in to the REST services beside `connection`, given back on every exit.

    Raises:
        CertificateMismatchError: the presented certificate is not the pinned one; nothing was sent.
        LoginRefusedError: vCenter does not take the account.
        TagsUnreadableError: the REST services do not answer, or there are none.
    """
    session = RestSession(connection)
    try:
        session.log_in()
        yield session
    finally:
        session.close()


def _path(parts: tuple[str, ...]) -> str:
    return "/api/" + "/".join(quote(part, safe=":") for part in parts)
