"""Checks the SQLite file of a metadata store before ML Metadata (MLMD) opens it.

MLMD tries for a minute to open a file that it cannot use, and then does not name it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from common.errors import DISK_FULL, InputError

_LOCK_TIMEOUT_SECONDS = 3.0


def check(path: Path, *, write: bool) -> None:
    """Checks that a metadata store can be read or, with `write`, written; it need not exist.

    Raises:
        InputError: where it is locked, damaged or, with `write`, read-only.
    """
    if not path.exists():
        return
    # Where it can, SQLite finishes what a killed run has left in the file's journal.
    mode = "rw" if write or os.access(path, os.W_OK) else "ro"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)
        ) as store:
            store.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            ((found,),) = store.execute("PRAGMA quick_check(1)")
            if write and found == "ok":
                # Only a change tells that a file is read-only; this one is rolled back.
                store.execute("CREATE TABLE write_probe (unused)")
    except sqlite3.Error as error:
        found = str(error)
    if found == "database is locked":
        raise InputError(
            f"{path} is locked: another program is using it; end that program, then run the same "
            "command again"
        )
    if found == "database or disk is full":
        raise InputError(DISK_FULL)
    if found != "ok":
        raise InputError(
            f"cannot use the metadata store {path}: {' '.join(found.split())}; repair it, make it "
            "writable, or use another output folder"
        )
