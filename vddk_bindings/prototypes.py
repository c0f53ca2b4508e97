"""ctypes prototypes of every VDDK function, made from abi.json.

Without a prototype ctypes takes each argument and result for a C int and cuts 64-bit handles in half.
"""

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from vddk_bindings.abi import Function, read_functions
from vddk_bindings.structures import STRUCTURES

# A va_list parameter is a pointer on x86-64 (System V ABI), hence c_void_p.
LOG_CALLBACK: Final = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p)
COMPLETION_CALLBACK: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64)
PROGRESS_CALLBACK: Final = ctypes.CFUNCTYPE(ctypes.c_char, ctypes.c_void_p, ctypes.c_int)

# ctypes has no common public base of its types, hence `Any` for "a ctypes type" in this module.
_TYPES: Final[dict[str, Any]] = {
    "c_char": ctypes.c_char,
    "c_char_p": ctypes.c_char_p,
    "c_int": ctypes.c_int,
    "c_size_t": ctypes.c_size_t,
    "c_uint32": ctypes.c_uint32,
    "c_uint64": ctypes.c_uint64,
    "c_void_p": ctypes.c_void_p,
    "LOGFUNC": LOG_CALLBACK,
    "COMPLETIONCB": COMPLETION_CALLBACK,
    "PROGRESSFUNC": PROGRESS_CALLBACK,
    **STRUCTURES,
}
_POINTER_PATTERN: Final = re.compile(r"POINTER\((.+)\)")


@dataclass(frozen=True, slots=True)
class Prototype:
    """What ctypes must know of one function."""

    result: Any
    parameters: tuple[Any, ...]


def ctype_of(text: str) -> Any:
    """Return the ctypes type that the table writes as `text`."""
    if pointer := _POINTER_PATTERN.fullmatch(text):
        return ctypes.POINTER(ctype_of(pointer[1]))
    return _TYPES[text]


def _prototype_of(function: Function) -> Prototype:
    result = None if function.result is None else ctype_of(function.result)
    return Prototype(result, tuple(ctype_of(parameter.ctype) for parameter in function.parameters))


PROTOTYPES: Final[Mapping[str, Prototype]] = MappingProxyType(
    {function.name: _prototype_of(function) for function in read_functions()}
)
"""Function name → prototype, for all functions of abi.json."""
