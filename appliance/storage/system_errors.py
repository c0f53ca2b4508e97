"""Errors of the operating system in the words of a repository."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import RepositoryError
from appliance.storage.errors import (
    ObjectMissingError,
    RepositoryFullError,
    RepositoryMissingError,
    RepositoryPermissionError,
    StoreFailureError,
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def translated_errors(root: Path, action: str, key: str) -> Iterator[None]:
    """Turn every `OSError` of the body into a `RepositoryError` that names action, key and folder."""
    try:
        yield
    except OSError as error:
        raise translate(error, root, action, key) from error


def translate(error: OSError, root: Path, action: str, key: str) -> RepositoryError:
    """The error of ours that says what `error` means for the repository in `root`."""
    message = f"cannot {action} {key or 'objects'} in {root}: {error.strerror or error}"
    if error.errno in _FULL:
        return RepositoryFullError(message)
    if error.errno in _PERMISSION:
        return RepositoryPermissionError(message)
    if error.errno == errno.ENOENT:
        if not root.is_dir():
            return RepositoryMissingError(f"the repository's folder {root} does not exist")
        return ObjectMissingError(key)
    return StoreFailureError(message)
