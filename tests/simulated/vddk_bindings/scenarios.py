"""What a client of VDDK does: `python scenarios.py NAME` with its input as JSON on stdin.

Each runs in a process of its own: VDDK is once per process and wants a clean one, so a test cannot load it
itself. A scenario prints one JSON document; a refusal of the bindings is the document {"error": ...}.
"""

import json
import mmap
import os
import queue
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any  # JSON in, JSON out

from vddk_bindings import (
    Connection,
    ConnectParameters,
    Disk,
    ForkedProcessError,
    Library,
    PasswordCredentials,
    SessionCredentials,
    VddkError,
    VixError,
    find_library,
    write_configuration,
)

PIECE_SECTORS = 256
WORKERS = 3

Document = dict[str, Any]
Scenario = Callable[[Library, Document], Document]


def parameters_of(task: Document, *, machine: bool = True) -> ConnectParameters:
    credentials = (
        SessionCredentials(task["cookie"], task["user"], task["password"])
        if "cookie" in task
        else PasswordCredentials(task["user"], task["password"])
    )
    return ConnectParameters(
        task["server"], credentials, task["machine"] if machine else None, task["thumbprint"], task["port"]
    )


def connect(library: Library, task: Document) -> Connection:
    return library.connect(
        parameters_of(task),
        snapshot=task.get("snapshot"),
        read_only=task.get("read_only", True),
        transport_modes=task.get("modes", ["nbdssl", "nbd"]),
    )


def look(library: Library, task: Document) -> Document:
    """Open a disk and tell everything about it."""
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        information = disk.information()
        return {
            "mode": disk.transport_mode,
            "capacity": information.capacity,
            "uuid": information.uuid,
            "adapter": information.adapter_type.name,
            "links": information.link_count,
            "sector_sizes": [information.logical_sector_size, information.physical_sector_size],
            "keys": disk.metadata_keys(),
        }


def copy(library: Library, task: Document) -> Document:
    """Copy a disk into `target` with several threads, each with a handle of its own."""
    with ExitStack() as stack:
        connection = stack.enter_context(connect(library, task))
        disks = [stack.enter_context(connection.open_disk(task["path"])) for _ in range(WORKERS)]
        sectors = disks[0].information().capacity_sectors
        target = stack.enter_context(Path(task["target"]).open("wb"))

        def copy_share(worker: int) -> int:
            with mmap.mmap(-1, PIECE_SECTORS * 512) as pages, memoryview(pages) as buffer:
                starts = range(worker * PIECE_SECTORS, sectors, WORKERS * PIECE_SECTORS)
                for start in starts:
                    with buffer[: 512 * min(PIECE_SECTORS, sectors - start)] as piece:
                        disks[worker].read_sectors(start, piece)
                        os.pwrite(target.fileno(), piece, start * 512)
                return len(starts)

        with ThreadPoolExecutor(WORKERS) as executor:
            return {"pieces": list(executor.map(copy_share, range(WORKERS)))}


def copy_asynchronously(library: Library, task: Document) -> Document:
    """Copy a disk into `target` with many requests on one handle."""
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        completions: queue.SimpleQueue[VixError | None] = queue.SimpleQueue()
        content = bytearray(disk.information().capacity)
        view = memoryview(content)
        starts = range(0, len(content) // 512, PIECE_SECTORS)
        for start in starts:
            disk.read_sectors_async(start, view[start * 512 : (start + PIECE_SECTORS) * 512], completions.put)
        disk.wait()
        errors = [completions.get_nowait() for _ in starts]
        Path(task["target"]).write_bytes(content)
        return {"errors": [error.number for error in errors if error]}


def copy_allocated(library: Library, task: Document) -> Document:
    """Copy what is allocated into `target`; the rest is a hole."""
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        areas = list(disk.iter_allocated(task["chunk"]))
        with Path(task["target"]).open("wb") as target:
            target.truncate(disk.information().capacity)
            for area in areas:
                content = bytearray(area.sector_count * 512)
                disk.read_sectors(area.start_sector, content)
                os.pwrite(target.fileno(), content, area.start_sector * 512)
        return {"sectors": sum(area.sector_count for area in areas)}


def write(library: Library, task: Document) -> Document:
    """Write `content` (a file) at `sector`, half of it synchronously, half not, through two handles."""
    content = Path(task["content"]).read_bytes()
    half = len(content) // 1024 * 512
    completions: queue.SimpleQueue[VixError | None] = queue.SimpleQueue()
    with connect(library, task) as connection:
        with connection.open_disk(task["path"]) as disk:
            disk.write_sectors(task["sector"], memoryview(content)[:half])
            disk.flush()
        with connection.open_disk(task["path"]) as disk:
            disk.write_sectors_async(
                task["sector"] + half // 512, memoryview(content)[half:], completions.put
            )
            disk.wait()
            disk.flush()
            disk.write_metadata("keepline", "was here")
            return {
                "failed": completions.get_nowait() is not None,
                "metadata": disk.read_metadata("keepline"),
            }


def use_from_many_threads(library: Library, task: Document) -> Document:
    """Connect, open, query, read and close in eight threads at once."""

    def use(number: int) -> int:
        with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
            disk.query_allocated_blocks(0, 128, 128)
            disk.read_sectors(number, bytearray(512))
            return disk.information().capacity_sectors

    with ThreadPoolExecutor(8) as executor:
        sizes = set(executor.map(use, range(24)))
    return {"sizes": len(sizes), "opened": library.statistics()["VixDiskLib_Open"].calls}


def hold_access(library: Library, task: Document) -> Document:
    """Hold access to a machine under one identity, try another, and give it back."""
    parameters = parameters_of(task)
    library.prepare_for_access(parameters, "first")
    try:
        library.prepare_for_access(parameters, "second")
        refused = ""
    except VixError as error:
        refused = type(error).__name__
    library.end_access(parameters, "first")
    library.prepare_for_access(parameters, "second")
    library.end_access(parameters, "second")
    return {"refused": refused}


def clean_up(library: Library, task: Document) -> Document:
    outcome = library.cleanup(parameters_of(task, machine=False))
    return {"cleaned": outcome.cleaned_up, "remaining": outcome.remaining}


def leave_open_and_die(library: Library, task: Document) -> Document:
    """End like a process that was killed in the middle of reading."""
    connect(library, task).open_disk(task["path"])
    os._exit(0)


def read_until_it_fails(library: Library, task: Document) -> Document:
    """Read the first sector again and again: which attempt fails, and how."""
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        for attempt in range(1, 100):
            try:
                disk.read_sectors(0, bytearray(512))
            except VixError as error:
                disk.read_sectors(0, bytearray(512))
                return {"attempt": attempt, **described(error)}
    return {}


def read_asynchronously_until_it_fails(library: Library, task: Document) -> Document:
    completions: queue.SimpleQueue[VixError | None] = queue.SimpleQueue()
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        for _ in range(4):
            disk.read_sectors_async(0, bytearray(512), completions.put)
        disk.wait()
    errors = [completions.get_nowait() for _ in range(4)]
    return {"numbers": sorted(error.number if error else 0 for error in errors)}


def fork(library: Library, task: Document) -> Document:
    """Use a disk in a fork of the process that opened it."""
    with connect(library, task) as connection, connection.open_disk(task["path"]) as disk:
        child = os.fork()
        if child == 0:
            os._exit(exit_status_of_read(disk))
        _, status = os.waitpid(child, 0)
        disk.read_sectors(0, bytearray(512))
        return {"status": os.waitstatus_to_exitcode(status)}


def exit_status_of_read(disk: Disk) -> int:
    try:
        disk.read_sectors(0, bytearray(512))
    except ForkedProcessError:
        return 42
    return 0


def transport_modes(library: Library, task: Document) -> Document:
    return {"modes": library.transport_modes()}


def described(error: VddkError) -> Document:
    return {
        "error": type(error).__name__,
        "code": error.code,
        "remedy": error.remedy,
        "transient": error.transient,
        "message": str(error),
    }


SCENARIOS: dict[str, Scenario] = {
    one.__name__: one
    for one in (
        look,
        copy,
        copy_asynchronously,
        copy_allocated,
        write,
        use_from_many_threads,
        hold_access,
        clean_up,
        leave_open_and_die,
        read_until_it_fails,
        read_asynchronously_until_it_fails,
        fork,
        transport_modes,
    )
}


def run(library: Library, name: str, task: Document) -> Document:
    """Initialise the library, play the scenario, end the library; what was refused is the result."""
    settings = {"tmpDirectory": task["scratch"], "vixDiskLib.transport.LogLevel": 6} | task.get(
        "settings", {}
    )
    try:
        configuration = write_configuration(Path(task["scratch"]) / "vddk.conf", settings)
        folder = Path(task["library_folder"]) if "library_folder" in task else None
        library.initialise(configuration, library_folder=folder)
        with library:
            return SCENARIOS[name](library, task)
    except VddkError as error:
        return described(error)


def main(name: str, task: Document) -> Document:
    try:
        library = Library(find_library(Path(task["vddk"])))
    except VddkError as error:
        return described(error)
    result = run(library, name, task)
    return result | {"log": [message.text for message in library.recent_log()]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.load(sys.stdin))))
