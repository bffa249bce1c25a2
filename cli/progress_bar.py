"""A progress bar on a terminal; elsewhere a line when a step begins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from common.console import PlainConsole


class _FilesPerSecond(ProgressColumn):
    """How fast files are done."""

    def render(self, task: Task) -> Text:
        """Returns it, or nothing before the first file."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} files/s" if speed else "")


@contextlib.contextmanager
def of_bytes(title: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Yields what counts further bytes.

    Args:
        title: what is done.
        total: bytes in all, None where that is not known.
        done: bytes that are done already.
    """
    with _bar(title, total, done, DownloadColumn(), TransferSpeedColumn()) as advance:
        yield advance


@contextlib.contextmanager
def of_files(
    title: str, total: int | None, done: int, *, on_stderr: bool = False
) -> Iterator[Callable[[int], None]]:
    """Yields what counts further files.

    Args:
        title: what is done.
        total: files in all, None where that is not known.
        done: files that are done already.
        on_stderr: shows it there, where stdout is for something else.
    """
    columns = (MofNCompleteColumn(), _FilesPerSecond())
    with _bar(title, total, done, *columns, on_stderr=on_stderr) as advance:
        yield advance


@contextlib.contextmanager
def _bar(
    title: str, total: int | None, done: int, *columns: ProgressColumn, on_stderr: bool = False
) -> Iterator[Callable[[int], None]]:
    console = PlainConsole(stderr=on_stderr)
    if not console.is_terminal:
        console.print(title, markup=False, soft_wrap=True)
        yield lambda amount: None
        return
    title_column = TextColumn("{task.description}", markup=False)
    bar = Progress(title_column, BarColumn(), *columns, TimeRemainingColumn(), console=console)
    with bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda amount: bar.advance(task, amount)
