"""`keepline console [password]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from appliance.assembly import console_services
from appliance.cli.invocation import Invocation, JsonOption, invocation_of
from appliance.cli.passwords import PasswordFileOption, read_password
from appliance.services import ConsoleServices

application = typer.Typer(help="The web console.", invoke_without_command=True)


@application.callback()
def serve_console(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option("--address", help="Address to listen on; the setting if left out.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="TCP port, likewise.")] = None,
) -> None:
    """Serve the web console until stopped."""
    if context.invoked_subcommand is not None:
        return
    invocation = invocation_of(context)
    settings = invocation.settings()
    place, number = address or settings.console_address, port or settings.console_port
    with _opened(invocation) as services:  # what is wrong is said here, not in a worker's log
        if not services.access.stamp():
            invocation.output.warn("the console has no password yet: run `keepline console password`")
    invocation.output.notice(
        f"serving http://{f'[{place}]' if ':' in place else place}:{number}/ until stopped"
    )
    # Flask and gunicorn take longer to load than most commands take to run.
    from web.server import serve  # noqa: PLC0415 - see above

    serve(lambda: _opened(invocation), place, number)


@application.command()
def password(
    context: typer.Context, password_file: PasswordFileOption = None, *, json: JsonOption = False
) -> None:
    """Set the administrator's password of the console; everybody is signed out."""
    invocation = invocation_of(context)
    with _opened(invocation) as services:
        services.access.set_password(
            read_password(password_file, "New password of the console"), "command line"
        )
    if json:
        invocation.output.document({"password": "set"})
    else:
        invocation.output.line("the console's password is set")


@contextmanager
def _opened(invocation: Invocation) -> Iterator[ConsoleServices]:
    with invocation.appliance() as appliance:
        yield console_services(appliance, invocation.settings())
