"""Folders of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.filesize import decimal

from common.errors import InputError


def make_folder(folder: Path) -> None:
    """Makes a folder and those around it; does nothing if it is there.

    Raises:
        InputError: where there can be no such folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from error


def require_room(folder: Path, needed: int, what: str) -> None:
    """Raises InputError where the disk of a folder has not that many bytes free."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{folder} has {decimal(free)} free, expected another {decimal(needed)} for {what}: "
            "free some space or choose another --to"
        )
