"""`keepline version`."""

from __future__ import annotations

import typer

from appliance.cli.invocation import JsonOption, invocation_of
from appliance.services import software_version


def print_version(context: typer.Context, *, json: JsonOption = False) -> None:
    """Print the version of Keepline."""
    invocation = invocation_of(context)
    if json:
        invocation.output.document({"version": software_version()})
    else:
        invocation.output.line(f"keepline {software_version()}")
