"""`keepline installation show|claim|renew`."""

from __future__ import annotations

import secrets

import typer

from appliance.cli.documents import document_of
from appliance.cli.invocation import Invocation, JsonOption, invocation_of
from appliance.cli.quantities import time_text
from appliance.services import InstallationView

application = typer.Typer(help="Who this appliance is, among those that use the repository.")


@application.command()
def show(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show this appliance's id, and where an engine has started under it last."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        _print(invocation, appliance.installation.view(), json=json)


@application.command()
def claim(context: typer.Context, *, json: JsonOption = False) -> None:
    """Say that no other appliance uses this one's id any more."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        _print(invocation, appliance.installation.claim(), json=json)


@application.command()
def renew(context: typer.Context, *, json: JsonOption = False) -> None:
    """Give this appliance an id of its own: for a copy of one that lives on."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        _print(invocation, appliance.installation.renew(secrets.token_hex), json=json)


def _print(invocation: Invocation, view: InstallationView, *, json: bool) -> None:
    if json:
        invocation.output.document({"installation": document_of(view)})
        return
    invocation.output.line(f"installation {view.installation}")
    start = view.newest_start
    if view.is_disputed:
        invocation.output.warn("two appliances have used this id: `claim` it here, or `renew` it on the copy")
    elif start is not None and start.started_at is not None:
        invocation.output.line(f"newest engine start: {time_text(start.started_at)} on {start.host.name}")
