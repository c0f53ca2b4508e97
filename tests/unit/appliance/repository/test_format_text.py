"""docs/repository-format.md is normative: its script reads what we write, its words are ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from appliance.catalog.schema import ROW_GROUP_ROWS, SCHEMA, MapMetadata
from appliance.clock import ManualClock
from appliance.model.block_columns import COLUMN_WIDTHS
from appliance.model.documents import from_json
from appliance.model.recovery_points import RecoveryPoint, SuspectMark, Tombstone
from appliance.model.task_files import TASK_FILE_COLUMNS
from appliance.repository.drafts import DiskDraft, PartHeader
from appliance.repository.identity import RepositoryIdentity
from appliance.repository.layout import FORMAT, manifest_key
from appliance.repository.repository import initialise_repository
from appliance.repository.segment_format import ENTRY_LENGTH, MOST_BLOCKS
from appliance.storage import FileSystemStore
from tests.fakes.backups import BLOCK_SIZE, MACHINE, DiskChange, back_up, block_of, disk_of, run_id

TEXT = Path("docs/repository-format.md").read_text()
SCRIPT = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
EXAMPLE = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)


def test_the_script_of_the_text_reads_every_point(tmp_path: Path) -> None:
    assert SCRIPT is not None
    script = tmp_path / "read_point.py"
    script.write_text(SCRIPT[1])
    folder = tmp_path / "repository"
    folder.mkdir()
    repository = initialise_repository(FileSystemStore(folder), ManualClock())
    disk = disk_of(10 * BLOCK_SIZE - 512)
    content = {n: block_of(n + 1) for n in range(5)} | {9: block_of(50, BLOCK_SIZE - 512)}
    for number, changed in enumerate((content, {1: block_of(0), 2: block_of(99)}), 1):
        content |= changed
        point = back_up(repository, run_id(number), (DiskChange(disk, changed),))
        output = tmp_path / f"disk-{number}"
        manifest = folder / manifest_key(MACHINE.key, point.id)
        command = [sys.executable, str(script), str(folder), str(manifest), disk.label, str(output)]
        subprocess.run(command, check=True)

        expected = b"".join(content.get(n, bytes(BLOCK_SIZE)) for n in range(10))
        assert output.read_bytes() == expected[: disk.capacity]


def test_the_example_of_the_text_is_a_manifest_of_ours() -> None:
    assert EXAMPLE is not None
    document = json.loads(EXAMPLE[1])

    assert document["format"] == FORMAT
    point = from_json(RecoveryPoint, json.dumps(document["point"]))
    assert point.images[0].block_maps[0].point == point.id


def named_fields(kind: type) -> set[str]:
    """The names of all fields of a value and of the values inside it."""
    names: set[str] = set()
    for field, hint in ((field, get_type_hints(kind)[field.name]) for field in fields(kind)):
        names.add(field.name)
        for inner in (hint, *get_args(hint)):
            if isinstance(inner, type) and is_dataclass(inner):
                names |= named_fields(inner)
    return names


@pytest.mark.parametrize(
    "kind", [RepositoryIdentity, RecoveryPoint, Tombstone, SuspectMark, DiskDraft, PartHeader, MapMetadata]
)
def test_every_field_of_every_document_is_in_the_text(kind: type) -> None:
    words = set(re.findall(r"[a-z_]+", TEXT))

    assert named_fields(kind) - words == set()


def test_every_column_is_in_the_text() -> None:
    quoted = set(re.findall(r"`([a-z_]+)`", TEXT))

    assert set(SCHEMA.names) | set(COLUMN_WIDTHS) <= quoted
    assert {name for columns in TASK_FILE_COLUMNS.values() for name in columns} <= quoted
    for field in SCHEMA:
        kind = str(field.type).replace("fixed_size_binary[32]", "fixed_size_binary(32)")
        shown = "dictionary<int32, string>" if kind.startswith("dictionary") else kind
        assert f"| `{field.name}` | {shown} | {'yes' if field.nullable else 'no'} |" in TEXT


def test_the_numbers_of_the_text_are_ours() -> None:
    assert f"at\nmost {MOST_BLOCKS:,} blocks" in TEXT
    assert f"| {ENTRY_LENGTH} \N{MULTIPLICATION SIGN} entries |" in TEXT
    assert f"row groups of {ROW_GROUP_ROWS:,} rows" in TEXT
    assert f"the format text, version `{FORMAT}`" in TEXT.replace("The repository format", "the format text")
