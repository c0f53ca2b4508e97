"""What a client does with the library: each function returns a value that is printed as JSON."""

from __future__ import annotations

import ctypes as c
import json
import os
import sys
import threading
import time
from pathlib import Path

from blake3 import blake3
from plain_client import ASYNC, COMPLETION, PROGRESS, READ_ONLY, Client, Create, Parameters, from_arguments


def digest(content: bytes) -> str:
    return blake3(content).hexdigest()


def whole_disk(client: Client, sectors: str) -> object:
    client.ready()
    capacity, step, parts = client.information().capacity, int(sectors), []
    for start in range(0, capacity, step):
        error, part = client.read(start, min(step, capacity - start))
        assert error == 0, (start, error)
        parts.append(part)
    client.end()
    return {"digest": digest(b"".join(parts)), "lines": client.lines}


def ranges(client: Client, *numbers: str) -> object:
    """Read ranges given as start and count in turn; give the digest of each."""
    client.ready()
    answers = []
    for start, count in zip(numbers[::2], numbers[1::2], strict=True):
        error, content = client.read(int(start), int(count))
        answers.append([error, digest(content[: int(count) * 512])])
    return answers


def differing_reads(client: Client, ready: str, done: str) -> object:
    """Read the disk again and again until a file appears; count reads that differ from the first ones."""
    client.ready()
    capacity, step, differing = client.information().capacity, 8192, 0
    expected = {start: c.create_string_buffer(step * 512) for start in range(0, capacity, step)}
    for start, first in expected.items():
        client.call("Read", client.disk, c.c_uint64(start), c.c_uint64(step), first)
    again = c.create_string_buffer(step * 512)
    compare = c.CDLL(None).memcmp
    Path(ready).touch()
    while not Path(done).exists():
        for start, first in expected.items():
            client.call("Read", client.disk, c.c_uint64(start), c.c_uint64(step), again)
            differing += compare(first, again, c.c_size_t(step * 512)) != 0
    return differing


def whole_life(client: Client) -> object:
    """Prepare, connect, open, close, end and clean up, with the error of each step."""
    client.init()
    params = client.parameters()
    cleanup = client.parameters()
    cleanup.vmx = None
    numbers = (c.c_uint32(), c.c_uint32())
    errors = [
        client.call("PrepareForAccess", c.byref(params), b"keepline run 1"),
        client.connect(params),
        client.open(),
    ]
    mode = c.string_at(client.call("GetTransportMode", client.disk)).decode()
    errors += [client.call("Close", client.disk), client.call("Disconnect", client.connection)]
    errors += [client.call("EndAccess", c.byref(params), b"keepline run 1")]
    errors += [client.call("Cleanup", c.byref(cleanup), c.byref(numbers[0]), c.byref(numbers[1]))]
    for each in (params, cleanup):
        client.call("FreeConnectParams", c.byref(each))
    client.call("Exit")
    return {
        "errors": errors,
        "mode": mode,
        "cleanup": [number.value for number in numbers],
        "lines": client.lines,
    }


def errors_of_connect(client: Client) -> object:
    client.init()
    answers = {}
    for name, value in {"user": b"nobody", "vmx": b"moref=vm-9", "credentials": 77, "kind": 1}.items():
        params = client.parameters()
        setattr(params, name, value)
        answers[name] = client.connect(params)
    answers["snapshot"] = client.connect(snapshot="snapshot-99")
    answers["right"] = client.connect()
    return answers


def connect_only(client: Client) -> object:
    client.init()
    return client.connect()


def connect_and_open(client: Client, modes: str, flags: str = "4") -> object:
    client.init()
    client.modes = modes.encode() or None
    errors = [client.connect(read_only=bool(int(flags) & READ_ONLY)), client.open(int(flags))]
    mode = "" if errors[1] else c.string_at(client.call("GetTransportMode", client.disk)).decode()
    return {"errors": errors, "mode": mode, "lines": client.lines}


def wrong_thumbprint(client: Client) -> object:
    client.init()
    params = client.parameters()
    params.thumbprint = b"00:11"
    return {"errors": [client.connect(params), client.open()], "lines": client.lines}


def wrong_directory(client: Client) -> object:
    client.modes = b"hotadd:nbd"
    errors = [client.init(directory=client.folder / "lib64"), client.connect(), client.open()]
    modes = c.string_at(client.call("ListTransportModes")).decode()
    mode = c.string_at(client.call("GetTransportMode", client.disk)).decode()
    return {"errors": errors, "modes": modes, "mode": mode, "lines": client.lines}


def init(client: Client, major: str, minor: str, options: str = "") -> object:
    return {"error": client.init(options or None, version=(int(major), int(minor))), "lines": client.lines}


def open_with_options(client: Client, options: str) -> object:
    return [client.init(options), client.connect(), client.open()]


def init_after_exit(client: Client) -> object:
    first = client.init()
    client.call("Exit")
    return [first, client.init()]


def errors_of_transfers(client: Client) -> object:
    client.ready()
    capacity = client.information().capacity
    ranges = {
        "none": (0, 0),
        "beyond": (capacity - 1, 2),
        "far": (1 << 60, 1),
        "wrapping": (1, (1 << 64) - 1),
    }
    buffer = c.create_string_buffer(4096)
    answers = {
        name: client.call("Read", client.disk, c.c_uint64(start), c.c_uint64(count), buffer)
        for name, (start, count) in ranges.items()
    }
    answers["last"] = client.read(capacity - 1, 1)[0]
    answers["write"] = client.write(0, bytes(512))
    return answers


def unaligned_4k_sectors(client: Client) -> object:
    client.ready()
    information = client.information()
    sizes = [information.logical, information.physical]
    return {"sizes": sizes, "errors": [client.read(0, 8)[0], client.read(1, 8)[0], client.read(8, 4)[0]]}


def unaligned_buffer(client: Client) -> object:
    client.modes = b"san"
    client.ready()
    space = c.create_string_buffer(2048)
    aligned = (c.addressof(space) + 511) // 512 * 512
    numbers = (c.c_uint64(0), c.c_uint64(1))
    return [client.call("Read", client.disk, *numbers, c.c_void_p(aligned + shift)) for shift in (0, 1)]


def write_and_read(client: Client, start: str, value: str, count: str) -> object:
    client.ready(flags=0)
    error = client.write(int(start), bytes([int(value)]) * 512 * int(count))
    flushed = client.call("Flush", client.disk)
    content = client.read(int(start), int(count))[1]
    return {"errors": [error, flushed], "same": content == bytes([int(value)]) * 512 * int(count)}


def information(client: Client) -> object:
    client.ready()
    value = client.information()
    return {
        "capacity": value.capacity,
        "adapter": value.adapter,
        "links": value.links,
        "uuid": value.uuid.decode(),
        "parent": value.parent,
        "geometry": list(value.geometry)[:3],
    }


def blocks(client: Client, *numbers: str) -> object:
    client.ready()
    asked = [int(number) for number in numbers]
    return [client.blocks(*asked[index : index + 3]) for index in range(0, len(asked), 3)]


def asynchronous(client: Client, sectors: str, writes: str = "") -> object:
    """Read or write the whole disk with all requests queued at once."""
    client.ready(flags=0 if writes else READ_ONLY)
    capacity, step = client.information().capacity, int(sectors)
    content = (c.c_uint8 * (capacity * 512))()
    if writes:
        c.memset(content, int(writes), len(content))
    done: list[tuple[int, int, int]] = []

    def complete(data: int | None, result: int) -> None:
        done.append((data or 0, result, threading.get_ident()))

    callback = COMPLETION(complete)
    function = "WriteAsync" if writes else "ReadAsync"
    queued = []
    for start in range(0, capacity, step):
        address = c.c_void_p(c.addressof(content) + start * 512)
        numbers = (c.c_uint64(start), c.c_uint64(min(step, capacity - start)))
        queued.append(client.call(function, client.disk, *numbers, address, callback, c.c_void_p(start)))
    waited = client.call("Wait", client.disk)
    starts = [start for start, _, _ in done]
    client.end()
    return {
        "queued": sorted(set(queued)),
        "waited": waited,
        "results": sorted({result for _, result, _ in done}),
        "complete": sorted(starts) == list(range(0, capacity, step)),
        "in_order": starts == sorted(starts),
        "foreign": threading.get_ident() not in {thread for _, _, thread in done},
        "digest": digest(bytes(content)),
    }


def mixed_styles(client: Client) -> object:
    client.ready()
    callback = COMPLETION(lambda _data, _result: None)
    numbers = (c.c_uint64(0), c.c_uint64(1))
    buffer = c.create_string_buffer(512)
    first = client.call("ReadAsync", client.disk, *numbers, buffer, callback, None)
    client.call("Wait", client.disk)
    mixed = client.read(0, 1)[0]
    client.open()
    other = client.read(0, 1)[0]
    refused = client.call("ReadAsync", client.disk, *numbers, buffer, callback, None)
    return [first == ASYNC, mixed, other, refused]


def reads(client: Client, count: str) -> object:
    """Read sector 0 and 1 so often; give the error and which of both sectors was filled."""
    client.ready()
    answers = []
    for _ in range(int(count)):
        error, content = client.read(0, 2)
        answers.append([error, any(content[:512]), any(content[512:])])
    return answers


def duration_of_reads(client: Client, count: str, sectors: str) -> object:
    client.ready()
    begin = time.monotonic()
    for index in range(int(count)):
        client.read(index, int(sectors))
    return time.monotonic() - begin


def metadata(client: Client) -> object:
    client.ready(flags=0)
    size = c.c_size_t()
    short = client.call("ReadMetadata", client.disk, b"toolsVersion", None, c.c_size_t(0), c.byref(size))
    buffer = c.create_string_buffer(size.value)
    room = c.c_size_t(size.value)
    whole = client.call("ReadMetadata", client.disk, b"toolsVersion", buffer, room, c.byref(size))
    missing = client.call("ReadMetadata", client.disk, b"nothing", buffer, room, c.byref(size))
    written = [
        client.call("WriteMetadata", client.disk, b"toolsVersion", b"12"),
        client.call("WriteMetadata", client.disk, b"added", b"new value"),
    ]
    needed = client.call("GetMetadataKeys", client.disk, None, c.c_size_t(0), c.byref(size))
    keys = c.create_string_buffer(size.value)
    listed = client.call("GetMetadataKeys", client.disk, keys, c.c_size_t(size.value), c.byref(size))
    return {
        "errors": [short, whole, missing, *written, needed, listed],
        "value": buffer.value.decode(),
        "keys": keys.raw.decode().split("\0"),
    }


def connect_params(client: Client) -> object:
    client.init()
    client.connect()
    copy = c.POINTER(Parameters)()
    error = client.call("GetConnectParams", client.connection, c.byref(copy))
    values = [copy.contents.vmx.decode(), copy.contents.user.decode(), copy.contents.credentials]
    client.call("FreeConnectParams", copy)
    return [error, *values]


def leaks(client: Client) -> object:
    client.ready()
    client.information()
    client.call("GetErrorText", c.c_uint64(13), None)
    client.call("Close", client.disk)
    client.call("Disconnect", client.connection)
    client.call("Exit")
    return [line.strip() for line in client.lines if "leaked" in line]


def error_texts(client: Client, *codes: str) -> object:
    texts = []
    for code in codes:
        text = c.c_void_p(client.call("GetErrorText", c.c_uint64(int(code)), None))
        texts.append(c.string_at(text).decode())
        client.call("FreeErrorText", text)
    return texts


def local_disk(client: Client, folder: str) -> object:
    """Create, write, clone, grow, check, rename and unlink disks in local files."""
    client.init()
    params = Parameters.from_address(client.call("AllocateConnectParams"))
    errors = {"connect": client.connect(params, snapshot=None, read_only=False)}
    first, second, third = (f"{folder}/{name}.vmdk".encode() for name in ("first", "second", "third"))
    create = Create(kind=2, adapter=3, hardware=8, capacity=4096)
    none = (None, None)
    errors["create"] = client.call("Create", client.connection, first, c.byref(create), *none)
    errors["again"] = client.call("Create", client.connection, first, c.byref(create), *none)
    sparse = Create(kind=1, adapter=3, hardware=8, capacity=4096)
    errors["sparse"] = client.call("Create", client.connection, second, c.byref(sparse), *none)
    errors["open"] = client.open(0, first.decode())
    errors["write"] = client.write(8, b"\7" * 1024)
    errors["shrink"] = client.call("Shrink", client.disk, *none)
    space = c.c_uint64()
    errors["space"] = client.call("SpaceNeededForClone", client.disk, 2, c.byref(space))
    mode = c.string_at(client.call("GetTransportMode", client.disk)).decode()
    client.call("Close", client.disk)
    steps: list[int] = []

    def count(_data: int | None, percent: int) -> bytes:
        steps.append(percent)
        return b"\1"

    progress = PROGRESS(count)
    connection = client.connection
    arguments = (second, connection, first, c.byref(create), progress, None, c.c_char(b"\0"))
    errors["clone"] = client.call("Clone", connection, *arguments)
    errors["clone again"] = client.call("Clone", connection, *arguments)
    errors["grow"] = client.call("Grow", connection, second, c.c_uint64(8192), c.c_char(b"\1"), *none)
    errors["rename"] = client.call("Rename", second, third)
    errors["check"] = client.call("CheckRepair", connection, third, c.c_char(b"\0"))
    client.open(READ_ONLY, third.decode())
    content = client.read(8, 2)[1]
    capacity = client.information().capacity
    client.call("Close", client.disk)
    errors["unlink"] = client.call("Unlink", connection, first)
    files = sorted(path.name for path in Path(folder).iterdir())
    return {
        "errors": errors,
        "mode": mode,
        "last": steps[-1],
        "copied": content == b"\7" * 1024,
        "capacity": capacity,
        "files": files,
        "space": space.value,
    }


def create_on_server(client: Client) -> object:
    client.init()
    client.connect(read_only=False)
    create = Create(kind=2, adapter=3, hardware=8, capacity=4096)
    return client.call("Create", client.connection, b"[ds] a/a.vmdk", c.byref(create), None, None)


def functions(client: Client) -> object:
    names = [
        "AllocateConnectParams",
        "QueryAllocatedBlocks",
        "FreeBlockList",
        "Wait",
        "ReadAsync",
        "ConnectEx",
    ]
    return [name for name in names if hasattr(client.lib, "VixDiskLib_" + name)]


def old_life(client: Client) -> object:
    """A client of 6.5: its own zeroed parameters."""
    client.init()
    zeroed = c.create_string_buffer(128)
    client.keep.append(zeroed)
    params = Parameters.from_buffer(zeroed)
    params.vmx, params.server, params.credentials = b"moref=vm-1", b"127.0.0.1", 1
    params.thumbprint = client.thumbprint.encode()
    params.user, params.password = client.user.encode(), client.password.encode()
    return [client.connect(params), client.open(), client.read(0, 1)[0]]


def write_whole(client: Client, value: str) -> object:
    """Write every sector of a disk of a machine that is off, and read it back."""
    client.init()
    errors = [client.connect(snapshot=None, read_only=False), client.open(0)]
    if any(errors):
        return {"errors": errors}
    capacity = client.information().capacity
    content = bytes([int(value)]) * (capacity * 512)
    errors += [client.write(0, content), client.call("Flush", client.disk)]
    same = client.read(0, capacity)[1] == content
    client.end()
    return {"errors": errors, "same": same}


def die_holding_a_disk(client: Client) -> object:
    """End without Close, as after a crash."""
    client.modes = b"hotadd"
    client.ready()
    sys.stdout.flush()
    os._exit(0)


def clean_up(client: Client) -> object:
    client.init()
    params = client.parameters()
    params.vmx = None
    numbers = (c.c_uint32(), c.c_uint32())
    error = client.call("Cleanup", c.byref(params), c.byref(numbers[0]), c.byref(numbers[1]))
    return [error, *(number.value for number in numbers)]


def prepare(client: Client, *identities: str) -> object:
    client.init()
    params = client.parameters()
    return [client.call("PrepareForAccess", c.byref(params), name.encode()) for name in identities]


def open_many(client: Client, count: str) -> object:
    client.init()
    client.connect()
    return [client.open() for _ in range(int(count))]


def import_late(client: Client, *modules: str) -> object:
    """Import modules after InitEx, when VDDK's own libraries are in the process."""
    client.init()
    for module in modules:
        __import__(module)
    return "imported"


def init_beside_openssl(client: Client) -> object:
    __import__("ssl")
    return client.init()


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](from_arguments(), *sys.argv[11:])))
