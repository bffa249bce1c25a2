"""Folders of this machine."""

from __future__ import annotations

from pathlib import Path

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
