"""Which certificates a server may present."""

from __future__ import annotations

import ssl

from appliance.errors import InputError


class AuthoritiesUnusableError(InputError):
    """What was given as certificates of authorities is none."""

    code = "KL-1222"
    remedy = "Give a file with one or more certificates in PEM form (-----BEGIN CERTIFICATE-----)."


def trusting_context(authorities: str) -> ssl.SSLContext:
    """A context that verifies chain and name, by the system's authorities or by those of `authorities` alone.

    Raises:
        AuthoritiesUnusableError: `authorities` is not empty and no certificate in PEM form.
    """
    try:
        context = ssl.create_default_context(cadata=authorities or None)
    except (ssl.SSLError, ValueError) as error:
        raise AuthoritiesUnusableError(f"the authorities' certificates cannot be read: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
