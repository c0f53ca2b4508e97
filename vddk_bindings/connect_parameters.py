"""What VDDK needs to know to connect, as a value and as the C structure."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from vddk_bindings.constants import CredentialType, SpecificationType
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.errors import InvalidArgumentError
from vddk_bindings.structures import ConnectParams

MAXIMUM_PORT: Final = 65535
_ALLOCATE: Final = "VixDiskLib_AllocateConnectParams"

# SHA-1 (20 pairs) or SHA-256 (32 pairs) of the certificate in DER form.
_THUMBPRINT_PATTERN: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){19}(?:(?::[0-9A-Fa-f]{2}){12})?")


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """A log-in by user name and password."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_text(user=self.user, password=self.password)


@dataclass(frozen=True, slots=True)
class SessionCredentials:
    """An existing vCenter session: its `vmware_soap_session` cookie, with the log-in it came from.

    Needs VDDK 6.7. The connection dies with the session.
    """

    cookie: str = field(repr=False)
    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        _require_text(cookie=self.cookie, user=self.user, password=self.password)


Credentials = PasswordCredentials | SessionCredentials


@dataclass(frozen=True, slots=True)
class ConnectParameters:
    """Where and as whom to connect; `repr` shows no secret.

    `machine` is the managed object reference, "vm-123"; None only for `Library.cleanup`. `thumbprint` is
    that of `server`'s certificate, pairs of hex digits with colons. Ports of None are VDDK's own defaults,
    443 and 902.

    Raises:
        InvalidArgumentError: a text the library would crash on (empty) or cut (it holds a NUL), or a
            malformed value.
    """

    server: str
    credentials: Credentials
    machine: str | None = None
    thumbprint: str | None = None
    port: int | None = None
    nfc_port: int | None = None

    def __post_init__(self) -> None:
        _require_text(server=self.server)
        if self.machine is not None:
            _require_text(machine=self.machine)
        if self.thumbprint is not None and not _THUMBPRINT_PATTERN.fullmatch(self.thumbprint):
            raise InvalidArgumentError(f"{self.thumbprint!r} is not a SHA-1 or SHA-256 thumbprint (XX:XX:…)")
        for port in (self.port, self.nfc_port):
            if port is not None and not 0 < port <= MAXIMUM_PORT:
                raise InvalidArgumentError(f"{port} is not a TCP port")


def encoded(name: str, text: str) -> bytes:
    """Return `text` as the library takes it.

    Raises:
        InvalidArgumentError: it is empty or holds a NUL; `name` says which text, its content is never shown.
    """
    _require_text(**{name: text})
    return text.encode()


def _require_text(**texts: str) -> None:
    for name, text in texts.items():
        if not text:
            raise InvalidArgumentError(f"{name} is empty: the library would crash")
        if "\0" in text:
            raise InvalidArgumentError(f"{name} holds a NUL character: the library would cut it there")


class NativeConnectParameters:
    """The C structure of one ConnectParameters, from `__init__` to `release`.

    Its strings belong to this object: they live as long as it does, and are taken out before the library
    frees the structure, so that it frees nothing of ours.
    """

    def __init__(self, entry_points: EntryPoints, parameters: ConnectParameters) -> None:
        self._entry_points = entry_points
        self._allocated = None
        if entry_points.has(_ALLOCATE) or isinstance(parameters.credentials, SessionCredentials):
            # Session cookies came together with this function, in 6.7.
            self._allocated = entry_points.call(_ALLOCATE)
            if not self._allocated:
                raise MemoryError(f"{_ALLOCATE} returned NULL")
            self.structure: ConnectParams = self._allocated.contents
        else:  # before 6.7: a zeroed structure of the newer, larger layout
            self.structure = ConnectParams()
        self._strings: list[bytes] = []
        self._fill(parameters)

    @property
    def reference(self) -> object:
        """What the library takes as `VixDiskLibConnectParams *`."""
        return ctypes.byref(self.structure)

    def release(self) -> None:
        """Give the structure back to the library that allocated it; a second time does nothing."""
        if self._allocated is not None:
            ctypes.memset(ctypes.byref(self.structure.creds), 0, ctypes.sizeof(self.structure.creds))
            self.structure.vmxSpec = self.structure.serverName = self.structure.thumbPrint = None
            self._entry_points.call("VixDiskLib_FreeConnectParams", self._allocated)
            self._allocated = None
        self._strings.clear()

    def _fill(self, parameters: ConnectParameters) -> None:
        structure = self.structure
        structure.serverName = self._kept(parameters.server)
        structure.port = parameters.port or 0
        structure.nfcHostPort = parameters.nfc_port or 0
        structure.specType = SpecificationType.VMX
        if parameters.machine is not None:
            structure.vmxSpec = self._kept(f"moref={parameters.machine}")
        if parameters.thumbprint is not None:
            structure.thumbPrint = self._kept(parameters.thumbprint)
        self._fill_credentials(parameters.credentials)

    def _fill_credentials(self, credentials: Credentials) -> None:
        user, password = self._kept(credentials.user), self._kept(credentials.password)
        if isinstance(credentials, SessionCredentials):
            self.structure.credType = CredentialType.SESSIONID
            session = self.structure.creds.sessionId
            session.cookie = self._kept(credentials.cookie)
            session.userName, session.key = user, password
        else:
            self.structure.credType = CredentialType.UID
            self.structure.creds.uid.userName, self.structure.creds.uid.password = user, password

    def _kept(self, text: str) -> bytes:
        self._strings.append(text.encode())
        return self._strings[-1]


@contextmanager
def native_parameters(
    entry_points: EntryPoints, parameters: ConnectParameters
) -> Iterator[NativeConnectParameters]:
    """Hold the C structure of `parameters` for the length of one call."""
    native = NativeConnectParameters(entry_points, parameters)
    try:
        yield native
    finally:
        native.release()
