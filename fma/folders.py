"""Folders that are written to: made where they are not there, by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from common.errors import InputError


def make(folder: Path) -> None:
    """Makes a folder and those around it; does nothing where it is there.

    Raises:
        InputError: where there can be no such folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(f"{folder} cannot be made a folder: {error.strerror}") from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder, and keeps other processes of this command out of it.

    Raises:
        InputError: where one is at work in it, or there can be no such folder.
    """
    make(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(f"another `python -m fma` is at work in {folder}") from error
    finally:
        os.close(descriptor)
