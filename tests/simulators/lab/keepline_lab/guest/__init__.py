"""A small real Debian machine with real activity between its backups."""

from keepline_lab.guest.boot import GuestReport, boot_guest
from keepline_lab.guest.build import ensure_guest
from keepline_lab.guest.checks import FileSystemCheck, assert_sound, check_filesystems
from keepline_lab.guest.fixture import DiskChange, Epoch, Guest, GuestDisk

__all__ = [
    "DiskChange",
    "Epoch",
    "FileSystemCheck",
    "Guest",
    "GuestDisk",
    "GuestReport",
    "assert_sound",
    "boot_guest",
    "check_filesystems",
    "ensure_guest",
]
