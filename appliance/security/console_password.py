"""The console's one password: an Argon2id digest in a file of its own, for its owner's eyes only."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.security.errors import ConsolePasswordFileError

PASSWORD_FILE = "console-password"  # noqa: S105 - the name of a file

# OWASP's password storage sheet asks for at least 19 MiB and 2 passes; 32 MiB and 3 leave room to a console
# that has 200 MiB in all. A digest carries its own costs, so these can be raised at any time.
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


class ConsolePasswordFile:
    """The digest of the password in `folder`; may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PASSWORD_FILE
        self._one_at_a_time = threading.Lock()  # each digest takes its memory; many at once are an attack

    def stamp(self) -> str:
        """What changes whenever the password does, and tells nothing of it; empty before the first.

        Raises:
            ConsolePasswordFileError: the file cannot be read.
        """
        digest = self._read()
        return "" if digest is None else hashlib.sha256(digest.encode()).hexdigest()

    def put(self, password: str) -> None:
        """Make this the password.

        Raises:
            ConsolePasswordFileError: the file cannot be written.
        """
        with self._one_at_a_time:
            digest = _HASHER.hash(password)
        draft = self._path.with_name(f"{PASSWORD_FILE}.{secrets.token_hex(4)}")
        try:
            _write_durably(draft, digest)
            draft.replace(self._path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise _unusable(self._path, error) from error

    def matches(self, password: str) -> bool:
        """Whether this is the password; never true before one was put.

        Raises:
            ConsolePasswordFileError: the file cannot be read, or holds no digest.
        """
        digest = self._read()
        if digest is None:
            return False
        try:
            with self._one_at_a_time:
                return _HASHER.verify(digest, password)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise ConsolePasswordFileError(f"{self._path} does not hold a password's digest") from error

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise ConsolePasswordFileError(f"{self._path} does not hold a password's digest") from error
        except OSError as error:
            raise _unusable(self._path, error) from error


def _write_durably(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _unusable(path: Path, error: OSError) -> ConsolePasswordFileError:
    return ConsolePasswordFileError(f"the console's password file {path} cannot be used: {error.strerror}")
