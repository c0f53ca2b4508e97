"""Where objects are kept: the `ObjectStore` protocol and its implementations.

Movers import this package: nothing here may pull in a library that binds what VDDK brings its own of.
"""

from appliance.storage.errors import (
    InvalidKeyError,
    ObjectExistsError,
    ObjectMissingError,
    RepositoryFullError,
    RepositoryMissingError,
    RepositoryPermissionError,
    StoreFailureError,
)
from appliance.storage.file_system_store import FileSystemStore
from appliance.storage.object_store import NewObject, ObjectInformation, ObjectStore, check_key, is_key

__all__ = [
    "FileSystemStore",
    "InvalidKeyError",
    "NewObject",
    "ObjectExistsError",
    "ObjectInformation",
    "ObjectMissingError",
    "ObjectStore",
    "RepositoryFullError",
    "RepositoryMissingError",
    "RepositoryPermissionError",
    "StoreFailureError",
    "check_key",
    "is_key",
]
