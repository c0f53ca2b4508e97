"""The stub of VDDK's ABI: how it is compiled, and what it can be asked."""

import ctypes
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "stub" / "vddk_stub.c"
THUMBPRINT = ":".join(["AB"] * 20)


CAPACITY_SECTORS = 4196
BLOCKING_SECTOR = 4000
FAILING_SECTOR = 4001


@dataclass(frozen=True, slots=True)
class Stub:
    """The stub's own functions: what it was asked, and when it may go on."""

    functions: Any  # ctypes resolves its attributes at run time

    def live_allocations(self) -> int:
        return int(self.functions.stub_live_allocations())

    def connected(self) -> list[str]:
        self.functions.stub_connected.restype = ctypes.c_char_p
        text: bytes = self.functions.stub_connected()
        return text.decode().split("|")


def compile_stub(folder: Path, soname: str, *flags: str) -> Path:
    """Return a VDDK folder that holds the stub as `lib64/<soname>.0.1`."""
    library = folder / "lib64" / f"{soname}.0.1"
    library.parent.mkdir()
    compiler = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(SOURCE), "-lpthread", *flags]
    subprocess.run(compiler, check=True)
    (library.parent / soname).symlink_to(library.name)
    return folder
