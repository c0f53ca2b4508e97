"""Where a restored machine goes: what was asked for, completed by where it was, found in what is there. Pure.

The engine looks everything up once more, by the same rules, when it makes the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.errors import ApplianceError
from appliance.model.requests import RestoreMachineRequest
from appliance.model.target_places import TargetCompute, TargetDatastore, TargetPlaces
from appliance.services.restore_errors import TargetUnusableError
from appliance.services.restore_source import RestoreSource
from appliance.vsphere import matching_paths
from appliance.vsphere.errors import PlacementAmbiguousError, PlacementNotFoundError


@dataclass(frozen=True, slots=True)
class ChosenNetwork:
    """What becomes of the cards on one network of the source.

    `target` is the path of the network that they connect to, empty where they stay disconnected; cards of a
    network that `is_missing` in the target are not made.
    """

    source: str
    target: str = ""
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Everything as vCenter has it; what was not found is None or empty, and among the `failures`."""

    folder: str
    compute: TargetCompute | None
    datastore: TargetDatastore | None
    networks: tuple[ChosenNetwork, ...]
    failures: tuple[ApplianceError, ...]


@dataclass(slots=True)
class _Search:
    """Looks names and paths up in one datacenter, and remembers what was not found."""

    datacenter: str
    failures: list[ApplianceError]

    def path(self, word: str, wanted: str, paths: Iterable[str]) -> str:
        """The one path that is `wanted`, or ends with it; empty where there is none or are several."""
        known = list(paths)
        found = matching_paths(wanted, known, self.datacenter)
        if not found:
            there = [path for path in known if path.startswith(f"{self.datacenter}/")]
            self.failures.append(PlacementNotFoundError(word, wanted, there))
        if len(found) > 1:
            self.failures.append(PlacementAmbiguousError(word, wanted, found))
        return found[0] if len(found) == 1 else ""


def resolve_target(
    order: RestoreMachineRequest, source: RestoreSource, places: TargetPlaces
) -> RestoreTarget:
    """The target of `order`; whether there is room on it is asked separately."""
    wanted = order.folder or source.place.folder
    search = _Search("", [])
    folder = search.path("folder", wanted.rstrip("/"), places.folders)
    search.datacenter = places.datacenter_of(folder)
    if not folder:  # whatever else is looked for depends on the datacenter
        return RestoreTarget("", None, None, (), tuple(search.failures))
    compute = _compute(order, source, places, search)
    datastore = _datastore(order.datastore or source.place.datastore, places, search)
    _judge(compute, datastore, search.failures)
    networks = tuple(_network(name, dict(order.networks), places, search) for name in source.networks)
    search.failures.extend(
        PlacementNotFoundError("network of the old machine", name, list(source.networks))
        for name, _ in order.networks
        if name not in source.networks
    )
    _judge_networks(compute, networks, search.failures)
    return RestoreTarget(folder, compute, datastore, networks, tuple(search.failures))


def default_compute(source: RestoreSource, places: TargetPlaces) -> TargetCompute | None:
    """The host it was on while that is there, usable or not, else the cluster that its pool belongs to.

    None where its pool is not there: the engine asks for that first, and so does this.
    """
    pool = source.place.resource_pool
    around = [compute for compute in places.computes if pool.startswith(f"{compute.path}/")]
    same_host = [compute for compute in places.computes if compute.path == source.place.host]
    return (same_host or around)[0] if around else None


def _compute(
    order: RestoreMachineRequest, source: RestoreSource, places: TargetPlaces, search: _Search
) -> TargetCompute | None:
    by_path = {compute.path: compute for compute in places.computes}
    if order.host is not None:
        hosts = [path for path, compute in by_path.items() if not compute.is_cluster]
        return by_path.get(search.path("host", order.host, hosts))
    if order.cluster is not None:
        clusters = [path for path, compute in by_path.items() if compute.is_cluster]
        return by_path.get(search.path("cluster", order.cluster, clusters))
    found = default_compute(source, places)
    if found is None:
        search.failures.append(
            PlacementNotFoundError("resource pool", source.place.resource_pool, list(by_path))
        )
    return found


def _datastore(wanted: str, places: TargetPlaces, search: _Search) -> TargetDatastore | None:
    by_path = {datastore.path: datastore for datastore in places.datastores}
    return by_path.get(search.path("datastore", wanted, by_path))


def _network(name: str, wanted: dict[str, str], places: TargetPlaces, search: _Search) -> ChosenNetwork:
    if name in wanted:
        return ChosenNetwork(name, search.path("network", wanted[name], places.networks))
    quietly = _Search(search.datacenter, [])
    return ChosenNetwork(name, is_missing=not quietly.path("network", name, places.networks))


def _judge(
    compute: TargetCompute | None,
    datastore: TargetDatastore | None,
    failures: list[ApplianceError],
) -> None:
    if compute is not None and not compute.usable:
        failures.append(TargetUnusableError(f"host {compute.path} is disconnected or in maintenance"))
    if datastore is None:
        return
    if not datastore.usable:
        failures.append(TargetUnusableError(f"datastore {datastore.path} is away or in maintenance"))
    if compute is not None and datastore.path not in compute.datastores:
        failures.append(TargetUnusableError(f"{compute.path} does not reach datastore {datastore.path}"))


def _judge_networks(
    compute: TargetCompute | None, networks: Iterable[ChosenNetwork], failures: list[ApplianceError]
) -> None:
    if compute is not None:
        failures.extend(
            TargetUnusableError(f"{compute.path} does not reach network {network.target}")
            for network in networks
            if network.target and network.target not in compute.networks
        )
