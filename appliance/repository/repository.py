"""One repository: made, opened, recognised."""

from __future__ import annotations

import os
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.model.identifiers import InstallationId, RepositoryId
from appliance.repository.errors import FolderNotEmptyError, RepositoryExistsError
from appliance.repository.identity import RepositoryIdentity, read_identity
from appliance.repository.layout import BLOCK_DIGEST, FORMAT, IDENTITY_KEY, INSTALLATIONS, installation_key
from appliance.repository.sealed_documents import open_document, seal_document
from appliance.storage import ObjectExistsError, ObjectStore


@dataclass(frozen=True, slots=True)
class Repository:
    """A store whose identity was read and is one of ours."""

    store: ObjectStore
    identity: RepositoryIdentity


@dataclass(frozen=True, slots=True)
class _Installation:
    """What `installation/<id>.json` says."""

    format: str
    installation: InstallationId


def open_repository(store: ObjectStore) -> Repository:
    """The repository in `store`.

    Raises:
        RepositoryMissingError: the folder is not there.
        NotARepositoryError: the folder is there and is not ours.
        RepositoryFormatError: it was written by a newer or unknown Keepline.
        RepositoryPermissionError: it may not be read.
    """
    return Repository(store, read_identity(store))


def initialise_repository(store: ObjectStore, clock: Clock) -> Repository:
    """Make an empty store a repository.

    Raises:
        RepositoryExistsError: it is one already.
        FolderNotEmptyError: it holds something else.
        RepositoryMissingError: the folder is not there: it is never created, as it may be a mount.
    """
    if store.information(IDENTITY_KEY) is not None:
        raise RepositoryExistsError("the folder already holds a Keepline repository")
    foreign = next(iter(store.list("")), None)
    if foreign is not None:
        raise FolderNotEmptyError(f"the folder is not empty: it holds {foreign.key}")
    identity = RepositoryIdentity(FORMAT, RepositoryId(os.urandom(16).hex()), clock.now(), BLOCK_DIGEST)
    try:
        store.put_new(IDENTITY_KEY, seal_document(identity))
    except ObjectExistsError as error:
        raise RepositoryExistsError("somebody else has just made this folder a repository") from error
    return Repository(store, identity)


def register_installation(repository: Repository, installation: InstallationId) -> None:
    """Keep an appliance's id in the repository, once."""
    key = installation_key(installation)
    if repository.store.information(key) is None:
        content = seal_document(_Installation(FORMAT, installation))
        try:
            repository.store.put_new(key, content)
        except ObjectExistsError:  # a second process of the same appliance was faster
            return


def installations(repository: Repository) -> tuple[InstallationId, ...]:
    """Every appliance that has ever written here."""
    store = repository.store
    return tuple(
        open_document(_Installation, store.read(found.key), found.key).installation
        for found in store.list(INSTALLATIONS)
    )
