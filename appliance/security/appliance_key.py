"""The key that seals what the state database must not show: a file of its own, for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from appliance.security.errors import ApplianceKeyError, ApplianceKeyExposedError

KEY_FILE = "appliance.key"
KEY_SIZE = 32


def read_or_create_key(folder: Path) -> bytes:
    """The 32 bytes of the appliance's key; made on the first call, in the same form for all who ask.

    Raises:
        ApplianceKeyExposedError: the file can be read or changed by others, or belongs to somebody else.
        ApplianceKeyError: the file cannot be read or made, or does not hold a key.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        raise ApplianceKeyError(f"the appliance's key {path} cannot be used: {error.strerror}") from error


def _create(path: Path) -> None:
    """Make the key durable under another name first: nobody ever reads half a key, and two makers agree."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        _link_new(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _link_new(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was quicker: its key is the key


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        _refuse_exposed(path, os.fstat(file.fileno()))
        key = file.read(KEY_SIZE + 1)
    if len(key) != KEY_SIZE:
        raise ApplianceKeyError(f"the appliance's key {path} has not the {KEY_SIZE} bytes of a key")
    return key


def _refuse_exposed(path: Path, facts: os.stat_result) -> None:
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o077:
        raise ApplianceKeyExposedError(f"the appliance's key {path} has mode {mode:04o} instead of 0600")
    if facts.st_uid != os.geteuid():
        raise ApplianceKeyExposedError(
            f"the appliance's key {path} belongs to user {facts.st_uid}, not to {os.geteuid()}"
        )
