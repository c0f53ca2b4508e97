"""The folder of everything this appliance keeps: made by `keepline init`, for its owner's eyes only."""

from __future__ import annotations

from pathlib import Path

from appliance.errors import ApplianceStateError, InputError

FOLDER_MODE = 0o700


class NotInitialisedError(InputError):
    """There is no state folder: this appliance was never initialised, or the setting is wrong."""

    code = "KL-1095"
    remedy = "Run `keepline init REPOSITORY_FOLDER` first, or correct the setting `state_folder`."


class StateFolderError(ApplianceStateError):
    """The state folder cannot be made or used."""

    code = "KL-6001"
    remedy = "Let this user make and write the folder, or set `state_folder` to another one."


def create_state_folder(folder: Path) -> None:
    """Make the folder where it is missing.

    Raises:
        StateFolderError: it cannot be made.
    """
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise StateFolderError(f"cannot make the state folder {folder}: {error.strerror}") from error


def require_state_folder(folder: Path) -> None:
    """See that the folder is there.

    Raises:
        NotInitialisedError: it is not.
    """
    if not folder.is_dir():
        raise NotInitialisedError(f"there is no state folder {folder}")
