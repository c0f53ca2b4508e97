"""abi.json, the ctypes structures and the constants are one and the same thing, and a C compiler agrees."""

import ctypes
import subprocess
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import pytest

from vddk_bindings import constants
from vddk_bindings.abi import read_error_names, read_functions, read_table
from vddk_bindings.prototypes import PROTOTYPES, ctype_of
from vddk_bindings.structures import STRUCTURES

TABLE = read_table()
STRUCTS: dict[str, dict[str, Any]] = {struct["name"]: struct for struct in TABLE["structs"]}

C_TYPES = {
    "c_char_p": "char *{}",
    "c_void_p": "void *{}",
    "c_long": "long {}",
    "c_int": "int {}",
    "c_uint16": "uint16_t {}",
    "c_uint32": "uint32_t {}",
    "c_uint64": "uint64_t {}",
    "c_char*8": "char {}[8]",
    "VixDiskLibBlock*numBlocks (flexible)": "VixDiskLibBlock {}[1]",
}
DECLARATION_ORDER = [
    "VixDiskLibUidPasswdCreds",
    "VixDiskLibSessionIdCreds",
    "VixDiskLibVStorageObjectSpec",
    "VixDiskLibDatastoreSpec",
    "VixDiskLibGeometry",
    "VixDiskLibBlock",
    "VixDiskLibCreds",
    "VixDiskLibSpec",
    "VixDiskLibConnectParams",
    "VixDiskLibInfo",
    "VixDiskLibBlockList",
    "VixDiskLibCreateParams",
]


def declaration(name: str) -> str:
    kind = STRUCTS[name].get("kind", "struct")
    fields = "".join(
        C_TYPES.get(field["ctype"], field["ctype"].removesuffix("(union)") + " {}").format(field["name"])
        + "; "
        for field in STRUCTS[name]["fields"]
    )
    return f"typedef {kind} {{ {fields} }} {name};\n"


def layout_lines() -> Iterator[str]:
    for name in DECLARATION_ORDER:
        yield f'printf("{name} %zu\\n", sizeof({name}));\n'
        for field in STRUCTS[name]["fields"]:
            yield f'printf("{name}.{field["name"]} %zu\\n", offsetof({name}, {field["name"]}));\n'


@pytest.fixture(scope="module")
def compiled_layout(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What gcc makes of the table's structures."""
    folder: Path = tmp_path_factory.mktemp("layout")
    headers = "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n"
    source = headers + "".join(map(declaration, DECLARATION_ORDER))
    source += f"int main(void) {{ {''.join(layout_lines())} }}\n"
    (folder / "layout.c").write_text(source)
    subprocess.run(["gcc", "-o", "layout", "layout.c"], cwd=folder, check=True)
    output = subprocess.run([folder / "layout"], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in (line.split() for line in output.splitlines())}


def ctypes_layout() -> dict[str, int]:
    layout = {}
    for name, structure in STRUCTURES.items():
        layout[name] = ctypes.sizeof(structure)
        for field in structure._fields_:
            layout[f"{name}.{field[0]}"] = getattr(structure, field[0]).offset
    return layout


def test_ctypes_lays_structures_out_as_the_c_compiler_does(compiled_layout: dict[str, int]) -> None:
    assert ctypes_layout() == compiled_layout


def test_ctypes_lays_structures_out_as_the_table_says() -> None:
    layout = ctypes_layout()

    for name, structure in STRUCTURES.items():
        assert layout[name] == STRUCTS[name]["size"], name
        assert ctypes.alignment(structure) == STRUCTS[name]["align"], name
        for field in STRUCTS[name]["fields"]:
            assert layout[f"{name}.{field['name']}"] == field["offset"], f"{name}.{field['name']}"


def test_older_connect_parameters_are_the_beginning_of_the_newer_ones() -> None:
    older = STRUCTS["VixDiskLibConnectParams_pre67"]["fields"]

    assert older == STRUCTS["VixDiskLibConnectParams"]["fields"][: len(older)]


def test_every_structure_of_the_table_has_a_ctypes_class() -> None:
    assert set(STRUCTS) - set(STRUCTURES) == {"VixDiskLibConnectParams_pre67"}


def test_every_function_has_a_prototype_with_its_parameters() -> None:
    functions = read_functions()

    assert len(functions) == len(PROTOTYPES) == 43
    for function in functions:
        prototype = PROTOTYPES[function.name]
        assert len(prototype.parameters) == len(function.parameters)
        if function.result == "c_uint64":
            assert prototype.result is ctypes.c_uint64


def test_pointers_are_never_ints_and_freed_text_keeps_its_address() -> None:
    assert PROTOTYPES["VixDiskLib_GetErrorText"].result is ctypes.c_void_p
    assert PROTOTYPES["VixDiskLib_Read"].parameters[0] is ctypes.c_void_p
    assert ctype_of("POINTER(POINTER(VixDiskLibInfo))") is PROTOTYPES["VixDiskLib_GetInfo"].parameters[1]


@pytest.mark.parametrize(
    ("name", "enumeration"),
    [
        ("openFlags", constants.OpenFlag),
        ("credType", constants.CredentialType),
        ("specType", constants.SpecificationType),
        ("diskType", constants.DiskType),
        ("adapterType", constants.AdapterType),
        ("hwVersion", constants.HardwareVersion),
    ],
)
def test_choices_are_those_of_the_table(name: str, enumeration: type[IntEnum | IntFlag]) -> None:
    ours = {member.name: member.value for member in enumeration if member.value}
    table = {
        key: value for key, value in TABLE["constants"][name].items() if value and key != "COMPRESSION_MASK"
    }

    assert ours == table


def test_numbers_are_those_of_the_table() -> None:
    table = TABLE["constants"]
    names = read_error_names()

    assert table["SECTOR_SIZE"] == constants.SECTOR_SIZE_BYTES
    assert table["MIN_CHUNK_SIZE_SECTORS"] == constants.MINIMUM_CHUNK_SECTORS
    assert table["MAX_CHUNK_NUMBER"] == constants.MAXIMUM_CHUNKS_PER_QUERY
    assert names[constants.VIX_OK] == "VIX_OK"
    assert names[constants.VIX_ASYNC] == "VIX_ASYNC"
    assert names[constants.VIX_E_BUFFER_TOOSMALL] == "VIX_E_BUFFER_TOOSMALL"
