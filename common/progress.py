"""Progress of a long step, told through a file, so that worker processes can tell it too.

The runner names the file in the environment; where there is none, as in a container, nothing is
told. Every report is one short append, which the operating system keeps whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

# A bar on the terminal: it takes a title, the units in all and those that are done already, and
# yields what counts units.
ProgressBar = Callable[[str, "int | None", int], AbstractContextManager[Callable[[int], None]]]

FILE_VARIABLE = "MUSIC_GENRE_PROGRESS_FILE"


def start(total: int) -> None:
    """Tells that a step of `total` units begins."""
    _append(f"={total}\n")


def advance() -> None:
    """Tells that one unit is done."""
    _append(".")


def _append(text: str) -> None:
    path = os.environ.get(FILE_VARIABLE)
    if path:
        with open(path, "a", encoding="ascii") as file:
            file.write(text)


def read(path: Path) -> tuple[int, int] | None:
    """Returns (done, total) of the step that was started last, None where none was."""
    if not path.exists():
        return None
    _, equals, last = path.read_text(encoding="ascii").rpartition("=")
    if not equals or "\n" not in last:
        return None
    total, _, done = last.partition("\n")
    return done.count("."), int(total)
