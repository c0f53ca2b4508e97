"""Key and value pairs stored in a disk's descriptor."""

import ctypes
from typing import Final

from vddk_bindings.constants import VIX_E_BUFFER_TOOSMALL
from vddk_bindings.entry_points import EntryPoints

_READ: Final = "VixDiskLib_ReadMetadata"
_KEYS: Final = "VixDiskLib_GetMetadataKeys"


def read_metadata(entry_points: EntryPoints, handle: int, key: bytes) -> str:
    """Return the value of `key`.

    Raises:
        MetadataKeyMissingError: the disk has no such key.
        VixError: the library refused.
    """
    required = ctypes.c_size_t()
    entry_points.check(
        _READ,
        handle,
        key,
        None,
        0,
        ctypes.byref(required),
        expected=VIX_E_BUFFER_TOOSMALL,
        context=key.decode(),
    )
    buffer = ctypes.create_string_buffer(required.value)
    entry_points.check(
        _READ, handle, key, buffer, required.value, ctypes.byref(required), context=key.decode()
    )
    return buffer.value.decode(errors="replace")


def read_metadata_keys(entry_points: EntryPoints, handle: int) -> list[str]:
    """Return the disk's keys, in the library's order: NUL-separated names that end with an empty one."""
    required = ctypes.c_size_t()
    entry_points.check(_KEYS, handle, None, 0, ctypes.byref(required), expected=VIX_E_BUFFER_TOOSMALL)
    buffer = ctypes.create_string_buffer(required.value)
    entry_points.check(_KEYS, handle, buffer, required.value, ctypes.byref(required))
    names, _, _ = buffer.raw.partition(b"\0\0")
    return [name.decode(errors="replace") for name in names.split(b"\0") if name]
