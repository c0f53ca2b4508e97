"""What a store can answer besides bytes."""

from __future__ import annotations

from appliance.errors import DamageError, RepositoryError


class ObjectExistsError(RepositoryError):
    """An object of that key exists; it was not touched."""

    code = "KL-4010"
    remedy = "Nothing was overwritten. If it happens again, look for a second appliance on this repository."

    def __init__(self, key: str) -> None:
        super().__init__(f"the repository already has an object {key}")
        self.key = key


class ObjectMissingError(DamageError):
    """An object is not there."""

    code = "KL-4501"

    def __init__(self, key: str) -> None:
        super().__init__(f"the repository has no object {key}")
        self.key = key


class RepositoryFullError(RepositoryError):
    """No space, or the quota is used up."""

    code = "KL-4011"
    remedy = "Make room on the repository's volume or raise its quota, then start the run again: it resumes."


class RepositoryPermissionError(RepositoryError):
    """The store refuses to be written or read by this user, or is mounted read-only."""

    code = "KL-4012"
    remedy = (
        "Give the appliance's user read and write access to the repository's folder and mount it writable."
    )


class RepositoryMissingError(RepositoryError):
    """The folder of the repository does not exist."""

    code = "KL-4013"
    remedy = "Check the path, and that the share or disk that holds the repository is mounted."


class StoreFailureError(RepositoryError):
    """The operating system reported an error of the storage itself."""

    code = "KL-4014"
    remedy = "Check the disk, the share and the network below the repository; then start the run again."
    transient = True


class InvalidKeyError(RepositoryError):
    """A key that no repository may hold: a defect, or a manifest somebody forged."""

    code = "KL-4015"
    remedy = "Run `keepline repository check` and report what it says."
