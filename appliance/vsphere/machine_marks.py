"""The mark on a machine Keepline creates: three of its advanced options; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pyVmomi import vim

from appliance.model.identifiers import InstallationId, RunId
from appliance.vsphere.marks import Mark

INSTALLATION_OPTION = "keepline.installation"
RUN_OPTION = "keepline.run"
STATE_OPTION = "keepline.restore"


class RestoreState(StrEnum):
    """Whether the machine's disks hold what they should; its maker may delete an unfinished one."""

    UNFINISHED = "unfinished"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class MachineMark:
    """What a machine of ours says about itself."""

    mark: Mark
    state: RestoreState


def mark_options(mark: Mark, state: RestoreState) -> list[vim.option.OptionValue]:
    """The options that say so."""
    return [
        vim.option.OptionValue(key=INSTALLATION_OPTION, value=str(mark.installation)),
        vim.option.OptionValue(key=RUN_OPTION, value=str(mark.run)),
        state_option(state),
    ]


def state_option(state: RestoreState) -> vim.option.OptionValue:
    """The option that alone changes when a restore has ended."""
    return vim.option.OptionValue(key=STATE_OPTION, value=str(state))


def read_options(options: Iterable[vim.option.OptionValue]) -> MachineMark | None:
    """What the options say, or None for a machine that is not ours.

    A mark that lacks its state counts as finished: nothing is deleted on a doubt.
    """
    values = {option.key: str(option.value) for option in options}
    installation, run = values.get(INSTALLATION_OPTION), values.get(RUN_OPTION)
    if not installation or not run:
        return None
    unfinished = values.get(STATE_OPTION) == RestoreState.UNFINISHED
    return MachineMark(
        Mark(InstallationId(installation), RunId(run)),
        RestoreState.UNFINISHED if unfinished else RestoreState.FINISHED,
    )
