"""Where a vCenter can put a new machine: inventory paths, which say what lies in which datacenter."""

from __future__ import annotations

from dataclasses import dataclass


def name_of(path: str) -> str:
    """What people call what lies at this path."""
    return path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class TargetDatastore:
    """One datastore; `free` is vCenter's own figure, which may be some minutes old. Sizes in bytes."""

    path: str
    capacity: int
    free: int
    usable: bool = True


@dataclass(frozen=True, slots=True)
class TargetCompute:
    """A cluster or a host, and the datastores and networks (their paths) that it reaches."""

    path: str
    is_cluster: bool
    datastores: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    usable: bool = True


@dataclass(frozen=True, slots=True)
class TargetPlaces:
    """All of them in one vCenter, by path; `folders` are those that can hold machines."""

    datacenters: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    computes: tuple[TargetCompute, ...] = ()
    datastores: tuple[TargetDatastore, ...] = ()
    networks: tuple[str, ...] = ()

    def datacenter_of(self, path: str) -> str:
        """The datacenter that a path lies in, or is; empty where it is in none."""
        around = [one for one in self.datacenters if path == one or path.startswith(f"{one}/")]
        return max(around, key=len, default="")
