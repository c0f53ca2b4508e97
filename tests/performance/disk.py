"""The benchmark's disk: 8 GiB of ext4 with real files, and what a day changes on it. Needs no mount."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30
CAPACITY = 8 * GIB
PAGE = 16384
FILE_SYSTEM_BLOCK = 4096
FILES = 4 * GIB
DATABASE = 512 * MIB
LOG = 60 * MIB
NEW_FILES = 220 * MIB
TOUCHED_PAGES = 1500
TREES = (
    "/usr/lib",
    "/usr/share",
    "/usr/bin",
    "/usr/local",
    "/usr/include",
    "/usr/sbin",
    "/opt",
    "/root",
    "/home",
)


def make_day_one(image: Path, scratch: Path) -> None:
    """Write the disk as it is on the first day: files of this machine, a database, a log."""
    tree = scratch / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "var").mkdir(parents=True)
    _take_files(tree / "files", FILES)
    write_pages(tree / "var" / "database", range(DATABASE // PAGE), seed=7)
    write_log(tree / "var" / "log", LOG, seed=1)
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(CAPACITY)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-b", str(FILE_SYSTEM_BLOCK), "-d", str(tree), str(image)], check=True
    )
    shutil.rmtree(tree)


def make_day_two(day_one: Path, image: Path, scratch: Path) -> None:
    """Write the disk a day later: packages come and go, the database works, the log grows."""
    subprocess.run(["cp", "--sparse=always", str(day_one), str(image)], check=True)
    database = blocks_of(image, "/var/database")
    touch_pages(image, database, TOUCHED_PAGES, seed=99)
    new = scratch / "new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    write_log(new / "log.1", 40 * MIB, seed=2)
    write_pages(new / "package", range(NEW_FILES // PAGE), seed=5)
    commands = [f"write {path} /{path.name}" for path in sorted(new.iterdir())]
    subprocess.run(
        ["debugfs", "-w", "-f", "-", str(image)], input="\n".join(commands), text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    shutil.rmtree(new)


def blocks_of(image: Path, name: str) -> list[int]:
    """The file-system blocks of a file, in its order."""
    ended = subprocess.run(
        ["debugfs", "-R", f"blocks {name}", str(image)], check=True, capture_output=True, text=True
    )
    return [int(word) for word in ended.stdout.split()]


def page_writes(blocks: list[int], count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Rewritten pages of the database, most of them in a hot fifth: offset on the disk and content."""
    chooser = random.Random(seed)
    per_page = PAGE // FILE_SYSTEM_BLOCK
    pages = len(blocks) // per_page
    for _ in range(count):
        page = chooser.randrange(pages // 5) if chooser.random() < 0.6 else chooser.randrange(pages)
        content = page_of(page, chooser)
        own = blocks[page * per_page : (page + 1) * per_page]
        if own == list(range(own[0], own[0] + per_page)):
            yield own[0] * FILE_SYSTEM_BLOCK, content
            continue
        for index, block in enumerate(own):
            start = index * FILE_SYSTEM_BLOCK
            yield block * FILE_SYSTEM_BLOCK, content[start : start + FILE_SYSTEM_BLOCK]


def touch_pages(image: Path, blocks: list[int], count: int, seed: int) -> None:
    """Rewrite pages of the database on the disk."""
    with image.open("r+b") as file:
        for offset, content in page_writes(blocks, count, seed):
            file.seek(offset)
            file.write(content)


def page_of(number: int, chooser: random.Random) -> bytes:
    """A database page that compresses like one: short random words between repeated structure."""
    rows = []
    length = 0
    limit = chooser.randint(9000, 16000)
    while length < limit:
        row = b"%010d|name %04x|%016x|2026-%02d-%02d|city %02x|%08d\n" % (
            number, chooser.getrandbits(16), chooser.getrandbits(64), chooser.randint(1, 12),
            chooser.randint(1, 28), chooser.getrandbits(8), chooser.randint(0, 10**8),
        )  # fmt: skip
        rows.append(row)
        length += len(row)
    return b"".join(rows)[:PAGE].ljust(PAGE, b"\0")


def write_pages(path: Path, numbers: range, seed: int) -> None:
    """A file of database pages."""
    chooser = random.Random(seed)
    with path.open("wb") as file:
        for number in numbers:
            file.write(page_of(number, chooser))


def write_log(path: Path, length: int, seed: int) -> None:
    """A file of log lines."""
    chooser = random.Random(seed)
    written = 0
    with path.open("wb") as file:
        while written < length:
            line = b"Nov %02d %02d:%02d:%02d web01 nginx[%d]: GET /%08x status=%d duration=%dms\n" % (
                20 + seed, chooser.randint(0, 23), chooser.randint(0, 59), chooser.randint(0, 59),
                chooser.randint(100, 65000), chooser.getrandbits(32), chooser.choice((200, 200, 404)),
                chooser.randint(1, 300),
            )  # fmt: skip
            written += file.write(line)


def _take_files(target: Path, wanted: int) -> None:
    """Link (or copy) real files of this machine below `target` until they are `wanted` bytes."""
    target.mkdir(parents=True)
    taken = count = 0
    seen: set[tuple[int, int]] = set()
    for tree in TREES:
        for folder, folders, names in os.walk(tree):
            folders[:] = sorted(name for name in folders if name not in {"build", "node_modules", ".cache"})
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_symlink() or not path.is_file() or not os.access(path, os.R_OK):
                    continue
                facts = path.stat()
                if (facts.st_dev, facts.st_ino) in seen or facts.st_size > GIB:
                    continue
                seen.add((facts.st_dev, facts.st_ino))
                _link_or_copy(path, target / f"{count // 1000:04}" / f"{count % 1000:03}")
                count += 1
                taken += facts.st_size
                if taken >= wanted:
                    return


def _link_or_copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
