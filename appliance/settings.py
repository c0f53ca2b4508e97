"""What an admin can set, where it is read from, and what holds when nothing is set.

Order: environment (`KEEPLINE_STATE_FOLDER=…`) before the file (`--config`, else /etc/keepline/keepline.toml)
before the defaults below. Secrets are never settings: they live sealed in the state database.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from appliance.errors import InputError

DEFAULT_CONFIGURATION_FILE = Path("/etc/keepline/keepline.toml")
APPLIANCE_STATE_FOLDER = Path("/var/lib/keepline")
ENVIRONMENT_PREFIX = "KEEPLINE_"


class SettingsError(InputError):
    """A setting has a value that it cannot have, or the settings file cannot be read."""

    code = "KL-1001"
    remedy = "Correct the named setting in the file or the environment variable KEEPLINE_<NAME>."


class LogLevel(StrEnum):
    """How much goes into the log (standard error, or the journal of the service)."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_state_folder() -> Path:
    """The appliance's own folder where this user may write to it, else a folder of the user."""
    if os.access(APPLIANCE_STATE_FOLDER, os.W_OK):
        return APPLIANCE_STATE_FOLDER
    return Path.home() / ".local" / "share" / "keepline"


class Settings(BaseSettings):
    """All settings; each field says its unit and its meaning."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid")

    state_folder: Annotated[
        Path,
        Field(description="Folder of the state database, the appliance's key and the engine's lock."),
    ] = Field(default_factory=default_state_folder)
    vddk_folder: Annotated[
        Path,
        Field(description="Folder with VDDK as Broadcom packs it: the one that holds lib64/."),
    ] = Path("/usr/lib/vmware-vix-disklib")
    transport_modes: Annotated[
        str,
        Field(
            description="VDDK transport modes to try, best first, separated by colons.",
            pattern=r"^(file|san|hotadd|nbdssl|nbd)(:(file|san|hotadd|nbdssl|nbd))*$",
        ),
    ] = "hotadd:nbdssl:nbd"
    workers_per_disk: Annotated[
        int, Field(ge=1, le=16, description="Threads, each with its own handle, that work on one disk.")
    ] = 4
    concurrent_movers: Annotated[
        int, Field(ge=1, le=64, description="Disks that are read or written at the same time.")
    ] = 4
    concurrent_runs: Annotated[
        int, Field(ge=1, le=64, description="Machines that are backed up or restored at the same time.")
    ] = 4
    concurrent_runs_per_vcenter: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Machines of one vCenter at the same time: it serves about 52 connections to disks, "
            "and a run opens four for each disk.",
        ),
    ] = 8
    concurrent_runs_per_host: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Machines on one ESXi host at the same time: all its connections to disks share "
            "48 MB of memory.",
        ),
    ] = 2
    backup_retries: Annotated[
        int, Field(ge=0, le=5, description="How often a backup that failed for a passing reason is repeated.")
    ] = 2
    retry_pause_minutes: Annotated[
        float,
        Field(
            gt=0,
            le=240,
            description="Minutes before the first repetition; each further pause is three times as long.",
        ),
    ] = 5.0
    compression_level: Annotated[
        int, Field(ge=-5, le=19, description="zstd level of stored blocks; 1 is fast, -3 is faster.")
    ] = 1
    stall_seconds: Annotated[
        float,
        Field(gt=0, description="Seconds without a sign of life after which a mover counts as hanging."),
    ] = 120.0
    call_limit_seconds: Annotated[
        float,
        Field(gt=0, description="Seconds after which a VDDK call that has not come back counts as hanging."),
    ] = 300.0
    read_back_percent: Annotated[
        int,
        Field(ge=0, le=100, description="Share of restored blocks read again from the disk and compared."),
    ] = 5
    console_address: Annotated[
        str,
        Field(
            description="Address the web console listens on. It speaks plain HTTP: keep it on loopback, or "
            "put a proxy with TLS before it."
        ),
    ] = "127.0.0.1"
    console_port: Annotated[int, Field(ge=1, le=65535, description="TCP port of the web console.")] = 8480
    log_level: Annotated[LogLevel, Field(description="Least important log line that is written.")] = (
        LogLevel.WARNING
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `read_settings` passes: which file is read is known at the call, not at the class."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def read_settings(file: Path | None = None) -> Settings:
    """The settings of this process; `file` is `--config` and must exist where it is given.

    Raises:
        SettingsError: the file cannot be read or is not TOML, or a value is not allowed.
    """
    values = {**_values_of_file(file), **EnvSettingsSource(Settings)()}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name} cannot be {first['input']!r}: {first['msg']}") from error


def _values_of_file(file: Path | None) -> dict[str, object]:
    chosen = file or DEFAULT_CONFIGURATION_FILE
    if file is None and not chosen.is_file():
        return {}
    try:
        chosen.read_bytes()
        return dict(TomlConfigSettingsSource(Settings, chosen)())
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read settings from {chosen}: {error}") from error
