"""What step one of a restore offers: the places of a vCenter, and a good one chosen beforehand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from appliance.model.quantities import size_text
from appliance.model.target_places import TargetCompute, TargetDatastore, TargetPlaces, name_of
from appliance.services.restore_source import RestoreSource
from appliance.services.restore_target import default_compute


@dataclass(frozen=True, slots=True)
class Choice:
    """One place; `value` is what a form sends for it, empty for where the old machine was."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """The places of one datacenter, which go together."""

    datacenter: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """One question: `as_it_was` is offered first where that is there; `chosen` is the value to begin with."""

    as_it_was: Choice | None
    groups: tuple[ChoiceGroup, ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class TargetChoices:
    """The questions of step one; `networks` are what each network in `source_networks` can become."""

    folder: PlaceChoice
    compute: PlaceChoice
    datastore: PlaceChoice
    source_networks: tuple[str, ...]
    networks: tuple[ChoiceGroup, ...]


def choices_of(source: RestoreSource, places: TargetPlaces) -> TargetChoices:
    """What to offer for a machine from `source` in the vCenter with these places."""
    old_compute = default_compute(source, places)
    if old_compute is not None and not old_compute.usable:
        old_compute = None
    old_datastore = next((one for one in places.datastores if one.path == source.place.datastore), None)
    old_folder = source.place.folder if source.place.folder in places.folders else ""
    datacenter = places.datacenter_of(old_folder) or _first_datacenter(places)
    compute = old_compute or _best_compute(places, datacenter)
    datastore = old_datastore or _best_datastore(places, compute)
    folder = old_folder or min(_within(datacenter, places.folders), key=len, default="")
    return TargetChoices(
        folder=PlaceChoice(
            Choice("", f"As it was: {old_folder}") if old_folder else None,
            _groups(places, ((path, Choice(path, path)) for path in places.folders)),
            "" if old_folder else folder,
        ),
        compute=PlaceChoice(
            Choice("", f"As it was: {_compute_label(old_compute)}") if old_compute else None,
            _groups(places, ((each.path, _compute_choice(each)) for each in places.computes if each.usable)),
            "" if old_compute or compute is None else _compute_choice(compute).value,
        ),
        datastore=PlaceChoice(
            Choice("", f"As it was: {_datastore_label(old_datastore)}") if old_datastore else None,
            _groups(
                places, ((each.path, _datastore_choice(each)) for each in places.datastores if each.usable)
            ),
            "" if old_datastore or datastore is None else datastore.path,
        ),
        source_networks=source.networks,
        networks=_groups(places, ((path, Choice(path, name_of(path))) for path in places.networks)),
    )


def _groups(places: TargetPlaces, choices: Iterable[tuple[str, Choice]]) -> tuple[ChoiceGroup, ...]:
    by_datacenter: dict[str, list[Choice]] = {}
    for path, choice in choices:
        by_datacenter.setdefault(places.datacenter_of(path), []).append(choice)
    return tuple(ChoiceGroup(name, tuple(found)) for name, found in sorted(by_datacenter.items()))


def _first_datacenter(places: TargetPlaces) -> str:
    usable = (each.path for each in places.computes if each.usable)
    return min((places.datacenter_of(path) for path in usable), default="")


def _best_compute(places: TargetPlaces, datacenter: str) -> TargetCompute | None:
    """A cluster rather than a host: it finds a host itself."""
    usable = [each for each in places.computes if each.usable and each.path.startswith(f"{datacenter}/")]
    return min(usable, key=lambda each: (not each.is_cluster, each.path), default=None)


def _best_datastore(places: TargetPlaces, compute: TargetCompute | None) -> TargetDatastore | None:
    reached = compute.datastores if compute else frozenset()
    usable = [each for each in places.datastores if each.usable and each.path in reached]
    return max(usable, key=lambda each: each.free, default=None)


def _within(datacenter: str, paths: Iterable[str]) -> Iterator[str]:
    return (path for path in paths if path.startswith(f"{datacenter}/"))


def _compute_choice(compute: TargetCompute) -> Choice:
    kind = "cluster" if compute.is_cluster else "host"
    return Choice(f"{kind}:{compute.path}", _compute_label(compute))


def _compute_label(compute: TargetCompute) -> str:
    if compute.is_cluster:
        return f"{name_of(compute.path)} (cluster)"
    above = name_of(compute.path.rpartition("/")[0])
    name = name_of(compute.path)
    return f"{name} (host)" if above == name else f"{name} (host in {above})"


def _datastore_choice(datastore: TargetDatastore) -> Choice:
    return Choice(datastore.path, _datastore_label(datastore))


def _datastore_label(datastore: TargetDatastore) -> str:
    return f"{name_of(datastore.path)}, {size_text(datastore.free)} free"
