"""Small files on datastores, over vCenter's `/folder` address with the session's cookie.

Source: vSphere Web Services SDK Programming Guide, "HTTP Access to vSphere Server Files".
"""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from appliance.model.units import MIB
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import DatastoreFileError, VcenterUnreachableError
from appliance.vsphere.session import SESSION_COOKIE

TRANSFER_LIMIT_SECONDS = 120
# A .vmx has kilobytes, an .nvram at most a few megabytes: anything larger is not what was asked for.
LARGEST_FILE = 64 * MIB


@dataclass(frozen=True, slots=True)
class DatastoreFile:
    """One file: `datacenter` is an inventory path without leading slash, `path` has no datastore in it."""

    datacenter: str
    datastore: str
    path: str

    @property
    def label(self) -> str:
        """As vSphere writes it: `[datastore] folder/file`."""
        return f"[{self.datastore}] {self.path}"

    def sibling(self, name: str) -> DatastoreFile:
        """Another file in the same folder."""
        folder, slash, _ = self.path.rpartition("/")
        return DatastoreFile(self.datacenter, self.datastore, f"{folder}{slash}{name}")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    content: bytes


def datastore_file(datacenter: str, text: str) -> DatastoreFile:
    """The file that vSphere calls `[datastore] folder/file`.

    Raises:
        ValueError: the text has not that form.
    """
    match = re.fullmatch(r"\[([^\]]+)\] ?(.+)", text)
    if match is None:
        raise ValueError(f"not a datastore path: {text!r}")
    return DatastoreFile(datacenter.removeprefix("/"), match[1], match[2])


def read_file(connection: VcenterConnection, file: DatastoreFile) -> bytes | None:
    """The file's content, or None when there is no such file.

    Raises:
        DatastoreFileError: vCenter does not hand it out, or it is far too large.
        VcenterUnreachableError: vCenter is away.
    """
    answer = _exchange(connection, "GET", file, None)
    if answer.status == http.HTTPStatus.NOT_FOUND:
        return None
    if answer.status != http.HTTPStatus.OK:
        raise DatastoreFileError(f"reading {file.label}: HTTP {answer.status} {answer.reason}")
    if len(answer.content) > LARGEST_FILE:
        raise DatastoreFileError(f"reading {file.label}: it is larger than {LARGEST_FILE} bytes")
    return answer.content


def write_file(connection: VcenterConnection, file: DatastoreFile, content: bytes) -> None:
    """Make the file have this content.

    Raises:
        DatastoreFileError: vCenter does not take it.
        VcenterUnreachableError: vCenter is away.
    """
    answer = _exchange(connection, "PUT", file, content)
    if answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.CREATED, http.HTTPStatus.NO_CONTENT}:
        raise DatastoreFileError(f"writing {file.label}: HTTP {answer.status} {answer.reason}")


def _exchange(
    connection: VcenterConnection, method: str, file: DatastoreFile, content: bytes | None
) -> _Answer:
    """One request, and a second one after a new log-in when the session has ended."""
    number = connection.session_number
    answer = _request(connection, method, file, content)
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        connection.renew_session(number)
        answer = _request(connection, method, file, content)
    return answer


def _request(
    connection: VcenterConnection, method: str, file: DatastoreFile, content: bytes | None
) -> _Answer:
    address = connection.address
    wire = http.client.HTTPSConnection(
        address.host, address.port, timeout=TRANSFER_LIMIT_SECONDS, context=connection.tls_context
    )
    query = urlencode({"dcPath": file.datacenter, "dsName": file.datastore}, quote_via=quote)
    headers = {
        "Cookie": f"{SESSION_COOKIE}={connection.session_cookie}",
        "Content-Type": "application/octet-stream",
    }
    try:
        wire.request(method, f"/folder/{quote(file.path)}?{query}", body=content, headers=headers)
        response = wire.getresponse()
        return _Answer(response.status, response.reason, response.read(LARGEST_FILE + 1))
    except (OSError, http.client.HTTPException) as error:
        raise VcenterUnreachableError(address.label, str(error) or type(error).__name__) from error
    finally:
        wire.close()
