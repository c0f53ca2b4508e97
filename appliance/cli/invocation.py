"""What every command gets: where to print, and the appliance behind its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from appliance.assembly import Appliance
from appliance.cli.output import Output
from appliance.settings import Settings, read_settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
VcenterOption = Annotated[
    str | None, typer.Option("--vcenter", metavar="NAME", help="Which vCenter; the only one if left out.")
]


@dataclass(slots=True)
class Invocation:
    """One call of `keepline`; the root command fills in `configuration_file`."""

    output: Output
    open_appliance: Callable[[Settings], AbstractContextManager[Appliance]]
    configuration_file: Path | None = None

    def settings(self) -> Settings:
        """The settings of this call.

        Raises:
            SettingsError: they cannot be used.
        """
        return read_settings(self.configuration_file)

    @contextmanager
    def appliance(self) -> Iterator[Appliance]:
        """The appliance, its database open."""
        with self.open_appliance(self.settings()) as appliance:
            yield appliance


def invocation_of(context: typer.Context) -> Invocation:
    """What `main` has put into the context."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        raise TypeError("a command was called without its invocation")
    return invocation
