"""Writes the configuration file that InitEx reads (guide, "Initialize Virtual Disk API")."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vddk_bindings.errors import InvalidArgumentError

ConfigurationValue = str | int | Path

_KEY_PATTERN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_FORBIDDEN_IN_VALUES: Final = re.compile(r'[\r\n"\x00]')

BUFFER_SIZE_KEY: Final = "vixDiskLib.nfcAio.Session.BufSizeIn64KB"
BUFFER_COUNT_KEY: Final = "vixDiskLib.nfcAio.Session.BufCount"
_MISSPELT_BUFFER_SIZE_KEY: Final = "vixDiskLib.nfcAio.Session.BufSizeIn64K"
_DEFAULT_BUFFER_SIZE_64KIB: Final = 1
_DEFAULT_BUFFER_COUNT: Final = 4
_MAXIMUM_SESSION_64KIB: Final = 256  # 16 MiB (release notes 7.0.3)


def write_configuration(path: Path, settings: Mapping[str, ConfigurationValue]) -> Path:
    """Write `settings` to `path`, readable by this user only, and return `path`.

    Raises:
        InvalidArgumentError: a key or value VDDK would misread, or NFC buffers larger than Open accepts.
        OSError: the file cannot be written.
    """
    _check_session_buffers(settings)
    text = "".join(f"{_checked_key(key)}={_written(key, value)}\n" for key, value in settings.items())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _checked_key(key: str) -> str:
    if not _KEY_PATTERN.fullmatch(key):
        raise InvalidArgumentError(f"{key!r} is not a VDDK configuration key")
    if key == _MISSPELT_BUFFER_SIZE_KEY:
        raise InvalidArgumentError(f"VDDK ignores {key}; the key is spelt {BUFFER_SIZE_KEY}")
    return key


def _written(key: str, value: ConfigurationValue) -> str:
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if _FORBIDDEN_IN_VALUES.search(text):
        raise InvalidArgumentError(f"the value of {key} holds a quote, a line end or a NUL: {text!r}")
    return f'"{text}"'


def _check_session_buffers(settings: Mapping[str, ConfigurationValue]) -> None:
    size = int(str(settings.get(BUFFER_SIZE_KEY, _DEFAULT_BUFFER_SIZE_64KIB)))
    count = int(str(settings.get(BUFFER_COUNT_KEY, _DEFAULT_BUFFER_COUNT)))
    if size * count > _MAXIMUM_SESSION_64KIB:
        raise InvalidArgumentError(
            f"{count} NFC buffers of {size} x 64 KiB are more than the 16 MiB of a session: Open would fail"
        )
