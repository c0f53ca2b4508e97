"""The loaded library's functions, with prototypes, checked results and counted calls."""

import ctypes
import os
import time
from typing import Any, Final

from vddk_bindings.call_statistics import CallStatistics
from vddk_bindings.constants import ERROR_CODE_MASK, VIX_OK
from vddk_bindings.errors import LibraryLoadError, MissingFunctionError
from vddk_bindings.library_file import LibraryFile
from vddk_bindings.process_guard import ProcessGuard
from vddk_bindings.prototypes import PROTOTYPES
from vddk_bindings.vix_errors import VixError, vix_error

_GET_ERROR_TEXT: Final = "VixDiskLib_GetErrorText"
_FREE_ERROR_TEXT: Final = "VixDiskLib_FreeErrorText"


class EntryPoints:
    """Every function of the library, by its name in C.

    Two rules only are kept here: no call after a fork, and every call is counted.

    ctypes releases the GIL while a call runs, so calls on different handles run side by side.
    """

    def __init__(self, file: LibraryFile, guard: ProcessGuard, statistics: CallStatistics) -> None:
        self._file = file
        self._guard = guard
        self._statistics = statistics
        self._functions: dict[str, Any] = {}  # ctypes' function pointers are of a private class, hence `Any`
        try:
            self._library = ctypes.CDLL(str(file.path), mode=os.RTLD_NOW)
        except OSError as error:
            raise LibraryLoadError(f"{file.path} cannot be loaded: {error}") from error

    def has(self, name: str) -> bool:
        """Whether the library exports `name`."""
        return hasattr(self._library, name)

    def function(self, name: str) -> Any:
        """Return the function with its prototype; its results are C values, hence `Any`.

        Raises:
            MissingFunctionError: this library is too old for it.
        """
        known = self._functions.get(name)
        if known is not None:
            return known
        prototype = PROTOTYPES[name]
        try:
            function = self._library[name]
        except AttributeError:
            raise MissingFunctionError(name, str(self._file.path)) from None
        function.restype = prototype.result
        function.argtypes = prototype.parameters
        return self._functions.setdefault(name, function)

    def call(self, name: str, *arguments: object) -> Any:
        """Call `name` and return what it returns, a C value, hence `Any`."""
        function = self.function(name)
        self._guard.require_same_process()
        started = time.perf_counter_ns()
        result = function(*arguments)
        self._statistics.record(name, time.perf_counter_ns() - started, 0)
        return result

    def check(
        self, name: str, *arguments: object, expected: int = VIX_OK, moved_bytes: int = 0, context: str = ""
    ) -> None:
        """Call `name`, which answers a VixError, and raise unless it is `expected`.

        `moved_bytes` is for the statistics of calls that succeed, `context` for the error's text.

        Raises:
            VixError: the library answered something else.
            MissingFunctionError: this library is too old for the function.
        """
        function = self.function(name)
        self._guard.require_same_process()
        started = time.perf_counter_ns()
        value: int = function(*arguments)
        elapsed = time.perf_counter_ns() - started
        succeeded = value & ERROR_CODE_MASK == expected
        self._statistics.record(name, elapsed, moved_bytes if succeeded else 0)
        if not succeeded:
            raise self.error(name, value, context)

    def error(self, name: str, value: int, context: str = "") -> VixError:
        """Return the exception for `value`, with the library's own words."""
        return vix_error(name, value, self._error_text(value), context)

    def _error_text(self, value: int) -> str:
        address = self.call(_GET_ERROR_TEXT, value, None)
        if not address:
            return ""
        text = ctypes.string_at(address).decode(errors="replace")
        self.call(_FREE_ERROR_TEXT, address)
        return text
