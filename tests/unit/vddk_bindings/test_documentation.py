"""docs/vddk.md, the README and abi.json say what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vddk_bindings
from tests.unit.vddk_bindings.stub_library import CAPACITY_SECTORS, THUMBPRINT
from vddk_bindings.abi import Function, read_functions

PROJECT = Path(__file__).parents[3]
PACKAGE = PROJECT / "vddk_bindings"
FUNCTION_NAME = re.compile(r'"(VixDiskLib_\w+)"')
README_EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_table_of_functions_is_up_to_date() -> None:
    command = [sys.executable, str(PROJECT / "docs" / "generate" / "vddk_table.py"), "--check"]

    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": str(PROJECT)}, check=False).returncode == 0


def test_table_names_exactly_the_functions_that_are_called() -> None:
    called = {name for source in PACKAGE.glob("*.py") for name in FUNCTION_NAME.findall(source.read_text())}

    assert called == {function.name for function in read_functions() if function.binding}


@pytest.mark.parametrize(
    "function", [one for one in read_functions() if one.binding], ids=lambda one: one.name
)
def test_binding_named_by_the_table_exists(function: Function) -> None:
    class_name, _, method = str(function.binding).partition(".")
    owner = getattr(vddk_bindings, class_name)

    assert not method or callable(getattr(owner, method)) or isinstance(getattr(owner, method), property)


def test_example_of_the_readme_copies_a_disk(stub_folder: Path, tmp_path: Path) -> None:
    example = README_EXAMPLE.search((PACKAGE / "README.md").read_text())
    assert example is not None
    arguments = [
        str(stub_folder),
        "vcenter.test",
        THUMBPRINT,
        "user",
        "vm-42",
        "snapshot-7",
        "[store] one.vmdk",
        "one.raw",
    ]

    output = subprocess.run(
        [sys.executable, "-c", example[1], *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        input="secret\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output.startswith("nbdssl FunctionStatistics(calls=")
    hole = bytes(2048 * 512)  # the stub's first chunk
    rest = b"".join(bytes([n % 251 + 1]) * 512 for n in range(2048, CAPACITY_SECTORS))
    assert (tmp_path / "one.raw").read_bytes() == hole + rest
