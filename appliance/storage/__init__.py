"""Where objects are kept: the `ObjectStore` protocol and its implementations."""

from appliance.storage.object_store import NewObject, ObjectInformation, ObjectStore

__all__ = ["NewObject", "ObjectInformation", "ObjectStore"]
