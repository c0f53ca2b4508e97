"""Which repository this is: docs/repository-format.md, `keepline.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.identifiers import RepositoryId
from appliance.repository.errors import NotARepositoryError, RepositoryFormatError
from appliance.repository.layout import BLOCK_DIGEST, IDENTITY_KEY
from appliance.repository.sealed_documents import open_document
from appliance.storage import ObjectMissingError, ObjectStore


@dataclass(frozen=True, slots=True)
class RepositoryIdentity:
    """What `keepline.json` says."""

    format: str
    repository: RepositoryId
    created_at: datetime
    block_digest: str


def read_identity(store: ObjectStore) -> RepositoryIdentity:
    """The identity of the repository in `store`.

    Raises:
        RepositoryMissingError: the folder is not there.
        NotARepositoryError: the folder is there and is not ours.
        RepositoryFormatError: it was written by a newer or unknown Keepline.
        DamagedObjectError: its identity is not what was written.
    """
    try:
        content = store.read(IDENTITY_KEY)
    except ObjectMissingError as error:
        raise NotARepositoryError(f"there is no {IDENTITY_KEY}: this is not a Keepline repository") from error
    identity = open_document(RepositoryIdentity, content, IDENTITY_KEY)
    if identity.block_digest != BLOCK_DIGEST:
        message = f"the repository names blocks by {identity.block_digest!r}, not by {BLOCK_DIGEST!r}"
        raise RepositoryFormatError(message)
    return identity
