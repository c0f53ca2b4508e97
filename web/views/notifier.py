"""The notifier: where messages go, a test, and what became of them."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError
from appliance.model.notifications import EmailNotifier, MailEncryption, WebhookNotifier
from appliance.services import NewEmailNotifier, NewWebhookNotifier, WrongFieldError
from web.failures import Problem, status_of
from web.request_context import audit, notify, services

blueprint = Blueprint("notifier", __name__, url_prefix="/settings/notifier")

Answer = tuple[str, int]


@blueprint.get("")
def show() -> str:
    """The page."""
    return _page()


@blueprint.post("/email")
def set_email() -> Answer | Response:
    """Tell by e-mail, and try it."""
    try:
        services().notifier.set_email(_new_email())
    except ApplianceError as error:
        return _page(Problem.of(error, "E-mail was not set"), email=request.form), status_of(error)
    audit("set notifier", "e-mail")
    return _tried()


@blueprint.post("/webhook")
def set_webhook() -> Answer | Response:
    """Tell by webhook, and try it."""
    form = request.form
    new = NewWebhookNotifier(
        url=form.get("url", "").strip(),
        signing_key=form.get("key_password", ""),
        allow_http=form.get("allow_http") == "yes",
        authorities=_authorities(),
    )
    try:
        services().notifier.set_webhook(new)
    except ApplianceError as error:
        return _page(Problem.of(error, "The webhook was not set"), webhook=form), status_of(error)
    audit("set notifier", "webhook")
    return _tried()


@blueprint.post("/tests")
def try_notifier() -> Answer | Response:
    """Send a test message now."""
    return _tried()


@blueprint.post("/removal")
def remove() -> Response:
    """Forget the notifier and its secret."""
    services().notifier.remove()
    audit("remove notifier")
    notify("The notifier was removed: nobody is told of failed nights.", "warn")
    return redirect(url_for("notifier.show"), code=303)


def _tried() -> Answer | Response:
    """What a test message met with; the settings stay either way."""
    try:
        services().notifier.test()
    except ApplianceError as error:
        return _page(Problem.of(error, "The test message was not delivered")), status_of(error)
    notify("The test message was taken.")
    return redirect(url_for("notifier.show"), code=303)


def _page(
    problem: Problem | None = None,
    email: dict[str, str] | None = None,
    webhook: dict[str, str] | None = None,
) -> str:
    view = services().notifier.show()
    return render_template(
        "notifier/show.html",
        problem=problem,
        view=view,
        is_email=isinstance(view.notifier, EmailNotifier),
        email=email if email is not None else _email_fields(),
        webhook=webhook if webhook is not None else _webhook_fields(),
        encryptions=list(MailEncryption),
    )


def _email_fields() -> dict[str, str]:
    notifier = services().notifier.show().notifier
    if not isinstance(notifier, EmailNotifier):
        return {}
    return {
        "host": notifier.host,
        "port": str(notifier.port),
        "encryption": notifier.encryption,
        "sender": notifier.sender,
        "recipients": ", ".join(notifier.recipients),
        "user": notifier.user,
        "authorities": notifier.authorities,
    }


def _webhook_fields() -> dict[str, str]:
    notifier = services().notifier.show().notifier
    if not isinstance(notifier, WebhookNotifier):
        return {}
    allowed = "yes" if notifier.allow_http else ""
    return {"url": notifier.url, "allow_http": allowed, "authorities": notifier.authorities}


def _new_email() -> NewEmailNotifier:
    form = request.form
    port, encryption = form.get("port", "").strip(), form.get("encryption", "")
    if not port.isdecimal():
        raise WrongFieldError(f"{port!r} is no port")
    if encryption not in list(MailEncryption):
        raise WrongFieldError(f"{encryption!r} is no kind of encryption")
    return NewEmailNotifier(
        host=form.get("host", "").strip(),
        port=int(port),
        encryption=MailEncryption(encryption),
        sender=form.get("sender", "").strip(),
        recipients=tuple(form.get("recipients", "").replace(",", " ").split()),
        user=form.get("user", "").strip(),
        password=form.get("password", ""),
        authorities=_authorities(),
    )


def _authorities() -> str:
    """As `openssl` writes them: browsers send CR LF."""
    text = request.form.get("authorities", "").replace("\r\n", "\n").strip()
    return f"{text}\n" if text else ""
