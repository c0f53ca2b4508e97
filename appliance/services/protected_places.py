"""Whether a repository is about to lie on what it protects (rule 15)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_LARGEST_LOOK = 2000


def warnings_about(repository: Path, state_folder: Path) -> tuple[str, ...]:
    """What an admin should reconsider about the place of a repository; unreadable folders are skipped."""
    warnings = []
    if repository.stat().st_dev == state_folder.stat().st_dev:
        warnings.append(
            f"{repository} is on the same file system as the appliance itself: "
            "if that disk is lost, the backups are lost with it"
        )
    datastore = next((folder for folder in _up_to_mount_point(repository) if _holds_machines(folder)), None)
    if datastore is not None:
        warnings.append(
            f"{datastore} looks like a datastore with virtual machines: "
            "if it is lost, machines and backups are lost together"
        )
    return tuple(warnings)


def _up_to_mount_point(folder: Path) -> list[Path]:
    device = folder.stat().st_dev
    return [each for each in (folder, *folder.parents) if each.stat().st_dev == device]


def _holds_machines(folder: Path) -> bool:
    children = list(islice(_entries_of(folder), _LARGEST_LOOK))
    # A datastore has a folder for each machine; whatever has many more entries is not looked through.
    if len(children) == _LARGEST_LOOK:
        return False
    return any(entry.suffix == ".vmx" for child in children for entry in _entries_of(child))


def _entries_of(folder: Path) -> Iterator[Path]:
    """What is in a folder; nothing where it is no folder, may not be read, or has just gone."""
    try:
        yield from folder.iterdir()
    except OSError:
        return
