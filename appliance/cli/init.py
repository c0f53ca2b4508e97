"""`keepline init REPOSITORY_FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.documents import document_of
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.state import create_state_folder


def init(
    context: typer.Context,
    repository_folder: Annotated[
        Path, typer.Argument(metavar="REPOSITORY_FOLDER", help="An empty folder, or one with a repository.")
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Make this appliance's own folder and its repository, or take over the repository that is there."""
    invocation = invocation_of(context)
    state_folder = invocation.settings().state_folder
    create_state_folder(state_folder)
    with invocation.appliance() as appliance:
        made = appliance.repositories.initialise(repository_folder, state_folder)
    for warning in made.warnings:
        invocation.output.warn(warning)
    if json:
        document: dict[str, object] = {"initialised": document_of(made), "state_folder": str(state_folder)}
        invocation.output.document(document)
        return
    verb = "made" if made.created else "took over"
    invocation.output.line(f"{verb} repository {made.repository} in {made.location}")
    invocation.output.line(f"state folder {state_folder}, installation {made.installation}")
