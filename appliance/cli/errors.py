"""What the command line itself has to say."""

from __future__ import annotations

from appliance.errors import InputError


class UsageError(InputError):
    """The command, an option or an argument does not exist or is incomplete."""

    code = "KL-1100"
    remedy = "Run the command with `--help` to see what it takes."


class PasswordError(InputError):
    """No password could be had."""

    code = "KL-1101"
    remedy = (
        "Give it at the prompt, with `--password-file FILE`, or on standard input with `--password-file -`."
    )


class StoppedByUserError(InputError):
    """The command was stopped at the keyboard or by a signal before it had asked for a run."""

    code = "KL-1102"
    remedy = "Nothing to do: nothing was begun."
    exit_status = 130


class AuthoritiesFileError(InputError):
    """The file with the certificates of authorities cannot be read."""

    code = "KL-1103"
    remedy = "Give a file that this user may read, with certificates in PEM form."
