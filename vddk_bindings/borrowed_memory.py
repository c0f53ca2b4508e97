"""The address of memory that a caller owns, held in place while the library uses it."""

import ctypes
from types import TracebackType
from typing import Final, Self

from vddk_bindings.constants import SECTOR_SIZE_BYTES
from vddk_bindings.errors import InvalidArgumentError

Buffer = bytes | bytearray | memoryview
"""What transfers take; anything else with a buffer (mmap, array) goes in as `memoryview(it)`."""

_READABLE: Final = 0
_WRITABLE: Final = 1


class _BufferView(ctypes.Structure):
    """Py_buffer, part of Python's stable ABI since 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )
    buf: int | None
    len: int


# An interface of their own, so that setting prototypes does not change ctypes.pythonapi for everybody.
_PYTHON: Final = ctypes.PyDLL(None)
_get_buffer = _PYTHON.PyObject_GetBuffer
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_BufferView), ctypes.c_int)
_get_buffer.restype = ctypes.c_int
_release_buffer = _PYTHON.PyBuffer_Release
_release_buffer.argtypes = (ctypes.POINTER(_BufferView),)
_release_buffer.restype = None


class BorrowedMemory:
    """A caller's buffer between `__init__` and `release`: it can neither move nor be freed or resized.

    `from_buffer` of ctypes would do for writable buffers only; restores write from read-only ones, without a
    copy.

    Raises:
        BufferError: the memory is not contiguous, or read-only where `writable` is needed.
        InvalidArgumentError: the length is not a positive whole number of sectors.
    """

    __slots__ = ("_held", "_view", "address", "sector_count", "size")

    def __init__(self, buffer: Buffer, *, writable: bool) -> None:
        self._held = False
        self._view = _BufferView()
        _get_buffer(buffer, ctypes.byref(self._view), _WRITABLE if writable else _READABLE)
        self._held = True
        self.size = self._view.len
        self.address = self._view.buf or 0
        self.sector_count, remainder = divmod(self.size, SECTOR_SIZE_BYTES)
        if remainder or not self.sector_count:
            self.release()
            raise InvalidArgumentError(
                f"{self.size} bytes is not a positive whole number of sectors of {SECTOR_SIZE_BYTES} bytes"
            )

    def release(self) -> None:
        """Give the memory back; a second time does nothing."""
        if self._held:
            self._held = False
            _release_buffer(ctypes.byref(self._view))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()
