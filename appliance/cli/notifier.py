"""`keepline notifier set-email|set-webhook|show|test|remove|check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.documents import Document, document_of, error_document
from appliance.cli.errors import AuthoritiesFileError
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.passwords import PasswordFileOption, read_password
from appliance.cli.quantities import time_text
from appliance.model.notifications import EmailNotifier, MailEncryption, Notifier
from appliance.services import NewEmailNotifier, NewWebhookNotifier, NotifierReport, NotifierView

application = typer.Typer(help="The notifier: tells of failed nights and of silence, by e-mail or webhook.")

AuthoritiesOption = Annotated[
    Path | None,
    typer.Option("--ca-file", metavar="FILE", help="Trust these authorities (PEM) instead of the system's."),
]


@application.command(name="set-email")
def set_email(
    context: typer.Context,
    recipients: Annotated[list[str], typer.Argument(metavar="RECIPIENT...", help="Who gets the messages.")],
    *,
    host: Annotated[str, typer.Option("--host", help="The mail server.")],
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="The sender's address.")],
    port: Annotated[int, typer.Option("--port", help="Usually 587 with starttls, 465 with tls.")] = 587,
    encryption: Annotated[
        MailEncryption, typer.Option("--encryption", help="How the connection is protected.")
    ] = MailEncryption.STARTTLS,
    user: Annotated[str, typer.Option("--user", help="Log in as this user; no log-in if left out.")] = "",
    password_file: PasswordFileOption = None,
    ca_file: AuthoritiesOption = None,
    json: JsonOption = False,
) -> None:
    """Tell by e-mail from now on, in the place of what was set before."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        password = read_password(password_file, f"Password of {user} at {host}") if user else ""
        new = NewEmailNotifier(
            host=host,
            port=port,
            encryption=encryption,
            sender=sender,
            recipients=tuple(recipients),
            user=user,
            password=password,
            authorities=_authorities(ca_file),
        )
        _print_set(invocation.output, appliance.notifier.set_email(new), json=json)


@application.command(name="set-webhook")
def set_webhook(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where messages are posted to: https://host/path.")],
    key_file: Annotated[
        str | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="Read the signing key from the first line of FILE; - is standard input. "
            "Without it: a prompt.",
        ),
    ] = None,
    *,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Allow http:// to an address of a private network.")
    ] = False,
    ca_file: AuthoritiesOption = None,
    json: JsonOption = False,
) -> None:
    """Tell by webhook from now on, in the place of what was set before."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        signing_key = read_password(key_file, "Signing key")
        new = NewWebhookNotifier(url, signing_key, allow_http, _authorities(ca_file))
        _print_set(invocation.output, appliance.notifier.set_webhook(new), json=json)


@application.command()
def show(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the notifier, and what became of the last messages."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        view = appliance.notifier.show()
    if json:
        invocation.output.document(_view_document(view))
    else:
        _print_view(invocation.output, view)


@application.command(name="test")
def try_notifier(context: typer.Context, *, json: JsonOption = False) -> None:
    """Send a test message now; ends like its error where nobody takes it."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        appliance.notifier.test()
    if json:
        invocation.output.document({"test": "delivered"})
    else:
        invocation.output.line("the test message was taken")


@application.command()
def remove(context: typer.Context, *, json: JsonOption = False) -> None:
    """Forget the notifier and its secret. Messages that wait are given up."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        appliance.notifier.remove()
    if json:
        invocation.output.document({"removed": "notifier"})
    else:
        invocation.output.line("the notifier is removed")


@application.command()
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Look once for what is to be told, and send it: for a timer, so that a dead engine is noticed."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        report = appliance.notifier_keeper.check()
    if json:
        invocation.output.document(_report_document(report))
    else:
        _print_report(invocation.output, report)
    if report.failure is not None:
        raise typer.Exit(report.failure.exit_status)


def _authorities(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise AuthoritiesFileError(f"cannot read the authorities' certificates: {error}") from error


def _print_set(output: Output, notifier: Notifier, *, json: bool) -> None:
    if json:
        output.document({"notifier": _notifier_document(notifier)})
        return
    output.line(f"the notifier is set: {_text_of(notifier)}")
    output.notice("try it with `keepline notifier test`")


def _print_view(output: Output, view: NotifierView) -> None:
    if view.notifier is None:
        output.line("no notifier is set")
        return
    output.line(f"notifier     {_text_of(view.notifier)}")
    failing = view.outbox.failing
    if failing is not None and failing.failure is not None and failing.failing_since is not None:
        since = time_text(failing.failing_since)
        output.line(f"delivery     fails since {since}, {view.outbox.pending} wait")
        output.failure(failing.failure.message, failing.failure.code, failing.failure.remedy)
    else:
        output.line(f"delivery     works, {view.outbox.pending} wait")
    for each in view.outbox.newest:
        output.line(f"message      {time_text(each.notice.at)} {each.state}: {each.notice.title}")


def _print_report(output: Output, report: NotifierReport) -> None:
    for notice in report.told:
        output.line(f"found     {notice.title}")
    for notice in report.delivered:
        output.line(f"delivered {notice.title}")
    if report.failure is not None:
        output.error(report.failure, json=False)
    elif not report.told and not report.delivered:
        output.line("nothing to tell")


def _report_document(report: NotifierReport) -> Document:
    document: Document = {"told": document_of(report.told), "delivered": document_of(report.delivered)}
    return document if report.failure is None else document | error_document(report.failure)


def _view_document(view: NotifierView) -> Document:
    notifier = None if view.notifier is None else _notifier_document(view.notifier)
    return {"notifier": notifier, "outbox": document_of(view.outbox)}


def _notifier_document(notifier: Notifier) -> Document:
    kind = "email" if isinstance(notifier, EmailNotifier) else "webhook"
    return {"kind": kind, "settings": document_of(notifier)}


def _text_of(notifier: Notifier) -> str:
    if isinstance(notifier, EmailNotifier):
        return f"e-mail to {', '.join(notifier.recipients)} by {notifier.host}:{notifier.port}"
    return f"webhook {notifier.url}"
