"""Passwords: from a prompt, a file or standard input; never from the command line (rule 14)."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.errors import PasswordError

PasswordFileOption = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Read the password from the first line of FILE; - is standard input. Without it: a prompt.",
    ),
]
STANDARD_INPUT = "-"


def read_password(file: str | None, prompt: str) -> str:
    """The password, without its line end.

    Raises:
        PasswordError: the file cannot be read, is empty, or there is no terminal to ask at.
    """
    if file is None:
        return _ask(prompt)
    password = _first_line(file).rstrip("\r\n")
    if not password:
        raise PasswordError(f"the first line of {_name_of(file)} is empty")
    return password


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise PasswordError("there is no terminal to ask for the password at")
    return getpass.getpass(f"{prompt}: ")


def _first_line(file: str) -> str:
    if file == STANDARD_INPUT:
        return sys.stdin.readline()
    try:
        with Path(file).open(encoding="utf-8") as lines:
            return lines.readline()
    except (OSError, ValueError) as error:
        raise PasswordError(f"cannot read the password from {file}: {error}") from error


def _name_of(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file
