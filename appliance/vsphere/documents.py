"""A stored machine configuration, read strictly where it matters; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.vsphere.errors import ConfigurationUnreadableError

DOCUMENT_FORMAT = 1

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CapturedPlace:
    """Where the machine was, by inventory paths: the default placement of a restored one."""

    datacenter: str
    folder: str
    resource_pool: str
    host: str
    datastore: str


@dataclass(frozen=True, slots=True)
class ConfigurationDocument:
    """The parts of `MachineConfiguration.document`: where it was, network names by id, and vSphere's JSON."""

    place: CapturedPlace
    networks: Mapping[str, str]
    config: Json


def parse_document(text: str) -> ConfigurationDocument:
    """The document that `read_configuration` wrote.

    Raises:
        ConfigurationUnreadableError: it is not one, or of another format.
    """
    try:
        document = json.loads(text)
        if document["format"] != DOCUMENT_FORMAT:
            raise ConfigurationUnreadableError(
                f"the configuration has format {document['format']}, this Keepline reads {DOCUMENT_FORMAT}"
            )
        captured_from = document["captured_from"]
        place = CapturedPlace(**{key: str(captured_from[key]) for key in CapturedPlace.__dataclass_fields__})
        networks = {str(key): str(name) for key, name in captured_from["networks"].items()}
        config = document["config"]
        if config["_vimtype"] != "vim.vm.ConfigInfo":
            raise ConfigurationUnreadableError(f"the configuration is a {config['_vimtype']}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationUnreadableError(f"the configuration cannot be read: {error!r}") from error
    return ConfigurationDocument(place, networks, config)


def part(value: Json, key: str) -> Json:
    """An object inside an object; empty when it is not set."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def parts(value: Json, key: str) -> list[Json]:
    """The objects of a list; empty when it is not set."""
    found = value.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def number(value: Json, key: str) -> int | None:
    """A whole number, or None when it is not set."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def text(value: Json, key: str) -> str:
    """A text, empty when it is not set."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def flag(value: Json, key: str) -> bool | None:
    """A truth, or None when it is not set."""
    found = value.get(key)
    return found if isinstance(found, bool) else None


def kind(value: Json) -> str:
    """The last word of the vSphere type: `VirtualDisk`, `FlatVer2BackingInfo`."""
    return text(value, "_vimtype").rsplit(".", 1)[-1]


def needed_number(value: Json, key: str) -> int:
    """A whole number that a machine cannot be made without.

    Raises:
        ConfigurationUnreadableError: it is not there.
    """
    found = number(value, key)
    if found is None:
        raise ConfigurationUnreadableError(f"{label_of(value)} has no {key}")
    return found


def label_of(device: Json) -> str:
    """What people call a device."""
    return text(part(device, "deviceInfo"), "label") or kind(device) or "the configuration"
