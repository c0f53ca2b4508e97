"""The wire to one vCenter: pinned TLS, time limits, and a log-in that renews itself."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
from typing import Any  # pyVmomi's stub interface is untyped: method descriptions, arguments, results
from xml.parsers.expat import ExpatError

from pyVmomi import vim
from pyVmomi.SoapAdapter import SoapStubAdapter
from pyVmomi.VmomiSupport import GetServiceVersions, versionIdMap

from appliance.errors import VcenterError
from appliance.vsphere.certificates import (
    PresentedCertificate,
    VcenterAddress,
    connection_error,
    pinned_context,
)
from appliance.vsphere.errors import (
    LoginRefusedError,
    SessionLostError,
    VcenterAnswerError,
    VcenterUnreachableError,
)

CALL_LIMIT_SECONDS = 180
DISCOVERY_LIMIT_SECONDS = 30
# vCenter's proxy closes idle connections on its side; an older one in the pool would fail its next call.
IDLE_CONNECTION_SECONDS = 60
CONNECTIONS_KEPT = 8
SESSION_COOKIE = "vmware_soap_session"

# Calls that change nothing but what dies with the session: only these are sent again when the connection
# broke under them. A call that changes more may have been carried out although its answer was lost.
_REPEATABLE_CALL = re.compile(
    r"Fetch$|CurrentTime$|Find|Query|Retrieve|HasPrivilege|SessionIsActive|CreateContainerView$|CreateCollector"
)

# How a connection from the pool shows that the other side has closed it meanwhile.
BROKEN_CONNECTION = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class SessionStub(SoapStubAdapter):
    """pyVmomi's transport, with one session that all threads share and that any of them may renew.

    Faults of vCenter leave it as pyVmomi's exceptions; everything else is one of our errors.
    """

    def __init__(self, address: VcenterAddress, certificate: PresentedCertificate) -> None:
        self._address = address
        self._context = pinned_context(certificate)
        self._session_cookie = ""
        self._session_number = 0
        self._log_in_lock = threading.Lock()
        self._version = _newest_common_version(address, self._context)
        super().__init__(**self._stub_arguments())  # type: ignore[no-untyped-call]  # pyVmomi has no types here

    @property
    def cookie(self) -> str:
        """What is sent as `Cookie`."""
        return self._session_cookie

    @cookie.setter
    def cookie(self, value: str) -> None:
        """Drop it: a late answer to a dead session brings a cookie too, and must not replace a good one."""

    @property
    def context(self) -> ssl.SSLContext:
        """The verifying context, for file transfers beside the SOAP calls."""
        return self._context

    @property
    def session_number(self) -> int:
        """Grows with every log-in: objects bound to a session (views, collectors) die with the number."""
        return self._session_number

    def InvokeMethod(self, mo: Any, info: Any, args: Any, outerStub: Any = None) -> Any:  # noqa: N802, N803 - pyVmomi's name
        """Make one call, logging in again once when the session has ended."""
        number = self._session_number
        try:
            return self._invoke(mo, info, args, outerStub)
        except vim.fault.NotAuthenticated:
            if info.wsdlName == "Logout" or number == 0:
                raise
            self.renew(number)
        try:
            return self._invoke(mo, info, args, outerStub)
        except vim.fault.NotAuthenticated as fault:
            raise SessionLostError(
                f"vCenter {self._address.label} ended the session of {self._address.user} "
                f"right after a new log-in: {info.wsdlName}"
            ) from fault

    def renew(self, number: int) -> None:
        """Log in, unless another thread has done so since session `number`.

        Raises:
            LoginRefusedError: vCenter does not take the account.
        """
        with self._log_in_lock:
            if self._session_number == number:
                self._session_cookie = self._fresh_session_cookie()
                self._session_number += 1

    def _fresh_session_cookie(self) -> str:
        """Log in on a transport of its own: its cookie must not mix with calls under way on this one."""
        stub = SoapStubAdapter(**self._stub_arguments())
        service = vim.ServiceInstance("ServiceInstance", stub)
        try:
            sessions = service.RetrieveContent().sessionManager
            if sessions is None:
                raise VcenterAnswerError(f"vCenter {self._address.label} offers no session manager")
            sessions.Login(self._address.user, self._address.password, None)
        except vim.fault.InvalidLogin as fault:
            raise LoginRefusedError(self._address.label, self._address.user) from fault
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            stub.DropConnections()
        cookie = re.search(rf"{SESSION_COOKIE}=[^;]+", stub.cookie)
        if cookie is None:
            raise VcenterAnswerError(f"vCenter {self._address.label} answered the log-in without a session")
        return cookie.group(0)

    def _invoke(self, mo: Any, info: Any, args: Any, outer_stub: Any) -> Any:
        try:
            return self._invoke_once(mo, info, args, outer_stub)
        except BROKEN_CONNECTION as error:
            if not _REPEATABLE_CALL.match(info.wsdlName) or isinstance(error, ConnectionRefusedError):
                raise self._unreachable(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        try:
            return self._invoke_once(mo, info, args, outer_stub)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _invoke_once(self, mo: Any, info: Any, args: Any, outer_stub: Any) -> Any:
        try:
            return super().InvokeMethod(mo, info, args, outer_stub)  # type: ignore[no-untyped-call]  # the same
        except (ExpatError, AttributeError, KeyError, TypeError) as error:
            # What pyVmomi's parser raises on an answer that is not what the API describes.
            raise VcenterAnswerError(
                f"vCenter {self._address.label} answered {info.wsdlName} with something unreadable: {error!r}"
            ) from error

    def _unreachable(self, error: Exception) -> VcenterError:
        return connection_error(self._address, error)

    def _stub_arguments(self) -> dict[str, Any]:
        return {
            "host": self._address.host,
            "port": self._address.port,
            "version": self._version,
            "path": "/sdk",
            "sslContext": self._context,
            "httpConnectionTimeout": CALL_LIMIT_SECONDS,
            "connectionPoolTimeout": IDLE_CONNECTION_SECONDS,
            "poolSize": CONNECTIONS_KEPT,
        }


def _newest_common_version(address: VcenterAddress, context: ssl.SSLContext) -> str:
    """The newest API version that both sides speak, as pyVmomi names it (`vim.version.v8_0_3_0`).

    Source: vSphere Web Services SDK Programming Guide, "Identifying the API Versions Available".
    """
    connection = http.client.HTTPSConnection(
        address.host, address.port, timeout=DISCOVERY_LIMIT_SECONDS, context=context
    )
    try:
        connection.request("GET", "/sdk/vimServiceVersions.xml")
        response = connection.getresponse()
        document = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise VcenterUnreachableError(address.label, str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise VcenterUnreachableError(address.label, f"HTTP {response.status} {response.reason}")
    offered = set(re.findall(r"<version>([^<]+)</version>", document))
    for version in GetServiceVersions("vim25"):  # newest first
        if versionIdMap[version] in offered:
            return str(version)
    raise VcenterUnreachableError(address.label, "it does not describe a vSphere API")
