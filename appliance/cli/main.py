"""The console script: one call in, one exit status out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from appliance.assembly import open_appliance
from appliance.cli import (
    console,
    installation,
    machines,
    notifier,
    points,
    policy,
    repository,
    restore,
    runs,
    vcenter,
)
from appliance.cli.backup import backup
from appliance.cli.engine import engine
from appliance.cli.errors import StoppedByUserError, UsageError
from appliance.cli.init import init
from appliance.cli.invocation import Invocation, invocation_of
from appliance.cli.log_format import log_to_standard_error
from appliance.cli.output import standard_streams
from appliance.cli.version import print_version
from appliance.errors import ApplianceError


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:], Invocation(standard_streams(), open_appliance)))


def run(arguments: Sequence[str], invocation: Invocation) -> int:
    """Carry out one command; its exit status. Nothing a person can cause ends in a traceback."""
    try:
        status = typer.main.get_command(application()).main(
            args=list(arguments) or ["--help"], prog_name="keepline", obj=invocation, standalone_mode=False
        )
    except ApplianceError as error:
        return _ended_with(error, arguments, invocation)
    except TyperException as error:
        return _ended_with(UsageError(error.format_message()), arguments, invocation)
    except typer.Abort:
        return _ended_with(StoppedByUserError("the command was stopped"), arguments, invocation)
    if status == StoppedByUserError.exit_status:  # how typer passes Ctrl-C on
        return _ended_with(StoppedByUserError("the command was stopped"), arguments, invocation)
    return status if isinstance(status, int) else 0


def application() -> typer.Typer:
    """All commands."""
    root = typer.Typer(
        name="keepline",
        help="Backup and restore of VMware vSphere machines.",
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    root.callback()(_root)
    root.command()(init)
    root.add_typer(vcenter.application, name="vcenter")
    root.add_typer(machines.application, name="vm")
    root.command()(backup)
    root.add_typer(points.application, name="point")
    root.add_typer(restore.application, name="restore")
    root.add_typer(repository.application, name="repository")
    root.add_typer(runs.application, name="run")
    root.add_typer(policy.application, name="policy")
    root.add_typer(installation.application, name="installation")
    root.add_typer(notifier.application, name="notifier")
    root.command()(engine)
    root.add_typer(console.application, name="console")
    root.command(name="version")(print_version)
    return root


def _root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Settings file instead of /etc/keepline/keepline.toml."
        ),
    ] = None,
) -> None:
    invocation = invocation_of(context)
    invocation.configuration_file = config
    log_to_standard_error(invocation.settings().log_level)


def _ended_with(error: ApplianceError, arguments: Sequence[str], invocation: Invocation) -> int:
    invocation.output.error(error, json="--json" in arguments)
    return error.exit_status
