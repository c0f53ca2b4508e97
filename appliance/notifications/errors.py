"""Why a message was not delivered. Messages name the server and what it said, never a secret."""

from __future__ import annotations

from appliance.errors import NotificationError


class ReceiverUnreachableError(NotificationError):
    """The mail server or the webhook's server does not answer, or broke off."""

    code = "KL-7001"
    remedy = "Check host, port and firewall, and that the server is up; delivery is tried again by itself."
    transient = True

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"{server} cannot be reached: {reason}")


class CertificateNotTrustedError(NotificationError):
    """The server's certificate is not from an authority that is trusted here, or is for another name."""

    code = "KL-7002"
    remedy = (
        "Use the name that the certificate is for. Where the certificate comes from an authority of your "
        "own, give that authority's certificate with `--ca-file`."
    )

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"the certificate of {server} is not trusted: {reason}")


class EncryptionNotOfferedError(NotificationError):
    """The server does not speak TLS in the way that was chosen."""

    code = "KL-7003"
    remedy = (
        "Choose the other of starttls (usually port 587) and tls (usually port 465), or correct the port."
    )

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"{server} does not encrypt as chosen: {reason}")


class LoginRefusedError(NotificationError):
    """The mail server refuses user and password."""

    code = "KL-7004"
    remedy = "Give the right user and password with `keepline notifier set-email`."

    def __init__(self, server: str, user: str, answer: str) -> None:
        super().__init__(f"{server} refuses the log-in of {user}: {answer}")


class RecipientsRefusedError(NotificationError):
    """The mail server takes no mail for a recipient; those it did take mail for have got it."""

    code = "KL-7005"
    remedy = "Correct the recipients with `keepline notifier set-email`."

    def __init__(self, server: str, refused: tuple[str, ...]) -> None:
        super().__init__(f"{server} refuses recipients: {'; '.join(refused)}")


class MessageRefusedError(NotificationError):
    """The mail server refuses the sender or the message itself."""

    code = "KL-7006"
    remedy = (
        "Ask the mail server's administrator why, with the server's answer; often the sender is not allowed."
    )

    def __init__(self, server: str, answer: str) -> None:
        super().__init__(f"{server} refuses the message: {answer}")


class WebhookRefusedError(NotificationError):
    """The webhook answers with a status that says the request is wrong (4xx), or not in HTTP."""

    code = "KL-7010"
    remedy = "Check the webhook's address and signing key at the receiver, with its answer."

    def __init__(self, server: str, answer: str) -> None:
        super().__init__(f"the webhook at {server} refuses the message: {answer}")


class WebhookFailedError(NotificationError):
    """The webhook's server has a problem of its own (5xx), or too much to do (429)."""

    code = "KL-7011"
    remedy = "Look at the receiver's log; delivery is tried again by itself."
    transient = True

    def __init__(self, server: str, answer: str) -> None:
        super().__init__(f"the webhook at {server} has failed: {answer}")


class WebhookMovedError(NotificationError):
    """The webhook answers with a redirect, and messages are sent only where an admin said."""

    code = "KL-7012"
    remedy = "Look where it leads, and set that address if it is right: redirects are never followed."

    def __init__(self, server: str, target: str) -> None:
        super().__init__(f"the webhook at {server} redirects to {target or 'nowhere'}")


class PlainHttpRefusedError(NotificationError):
    """A webhook without TLS is at an address that is not private."""

    code = "KL-7013"
    remedy = (
        "Use https, or an address of a private network (10/8, 172.16/12, 192.168/16, fc00::/7, loopback)."
    )

    def __init__(self, host: str, addresses: str) -> None:
        super().__init__(f"{host} is not a private address ({addresses}): nothing is sent there without TLS")
