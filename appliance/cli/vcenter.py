"""`keepline vcenter add|test|list|remove`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from appliance.assembly import Appliance
from appliance.cli.documents import document_of, error_document
from appliance.cli.invocation import Invocation, JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.passwords import PasswordFileOption, read_password
from appliance.cli.quantities import time_text
from appliance.services import Check, NewVcenter

application = typer.Typer(help="vCenters that Keepline logs in to.")

NameArgument = Annotated[str, typer.Argument(help="The vCenter's name here, see `keepline vcenter list`.")]


@application.command()
def add(
    context: typer.Context,
    host: Annotated[str, typer.Argument(help="Host name or address of the vCenter.")],
    user: Annotated[str, typer.Option("--user", help="Account, with its domain: backup@vsphere.local.")],
    name: Annotated[
        str | None, typer.Option("--name", help="Name to use here; the host if left out.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="HTTPS port.")] = 443,
    thumbprint: Annotated[
        str, typer.Option("--thumbprint", help="SHA-256 or SHA-1 of the certificate, confirmed by you.")
    ] = "",
    password_file: PasswordFileOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Add a vCenter: confirm its certificate, log in once, keep the password sealed."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        pin = thumbprint or _confirmed(appliance, invocation.output, host, port, json=json)
        password = read_password(password_file, f"Password of {user} at {host}")
        added = appliance.vcenters.add(NewVcenter(name or host, host, port, user, password, pin))
    if json:
        invocation.output.document({"vcenter": document_of(added)})
    else:
        invocation.output.line(f"{added.name}: logged in as {added.user}, certificate {added.thumbprint}")


@application.command(name="test")
def try_vcenter(context: typer.Context, name: NameArgument, *, json: JsonOption = False) -> None:
    """Try everything a backup needs from a vCenter."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        checks = appliance.vcenters.test(name)
    _print_checks(invocation, name, checks, json=json)
    failures = [check.failure for check in checks if check.failure is not None]
    if failures:
        raise typer.Exit(failures[0].exit_status)


@application.command(name="list")
def list_vcenters(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the vCenters."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        vcenters = appliance.vcenters.list()
    if json:
        invocation.output.document({"vcenters": document_of(vcenters)})
        return
    rows = [(each.name, f"{each.host}:{each.port}", each.user, each.thumbprint) for each in vcenters]
    invocation.output.table(("NAME", "ADDRESS", "USER", "CERTIFICATE (SHA-256)"), rows)


@application.command()
def remove(context: typer.Context, name: NameArgument, *, json: JsonOption = False) -> None:
    """Forget a vCenter and its password. Recovery points stay."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        appliance.vcenters.remove(name)
    if json:
        invocation.output.document({"removed": name})
    else:
        invocation.output.line(f"{name}: removed")


def _confirmed(appliance: Appliance, output: Output, host: str, port: int, *, json: bool) -> str:
    """The presented thumbprint if a person at the terminal says it is right, else nothing."""
    if json or not sys.stdin.isatty():
        return ""
    presented = appliance.vcenters.presented(host, port)
    output.notice(f"{host}:{port} presents this certificate:")
    output.notice(f"  subject  {presented.subject}, valid until {time_text(presented.not_after)}")
    output.notice(f"  SHA-256  {presented.sha256}")
    output.notice(f"  SHA-1    {presented.sha1}")
    return presented.sha256 if typer.confirm("Is that vCenter's certificate?", err=True) else ""


def _print_checks(invocation: Invocation, name: str, checks: list[Check], *, json: bool) -> None:
    failures = [check.failure for check in checks if check.failure is not None]
    if json:
        answers = [{"name": c.name, "ok": c.failure is None, "detail": c.detail} for c in checks]
        document: dict[str, object] = {"vcenter": name, "ok": not failures, "checks": answers}
        if failures:
            document |= error_document(failures[0])
        invocation.output.document(document)
        return
    for check in checks:
        if check.failure is None:
            invocation.output.line(f"ok      {check.name}: {check.detail}")
        else:
            invocation.output.line(f"failed  {check.name}")
            invocation.output.error(check.failure, json=False)
