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
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from common.console import PlainConsole


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
def of_files(title: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Yields what counts further files; the arguments are those of `of_bytes`."""
    with _bar(title, total, done, MofNCompleteColumn()) as advance:
        yield advance


@contextlib.contextmanager
def _bar(
    title: str, total: int | None, done: int, *columns: ProgressColumn
) -> Iterator[Callable[[int], None]]:
    console = PlainConsole()
    if not console.is_terminal:
        console.print(title, markup=False, soft_wrap=True)
        yield lambda amount: None
        return
    title_column = TextColumn("{task.description}", markup=False)
    bar = Progress(title_column, BarColumn(), *columns, TimeRemainingColumn(), console=console)
    with bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda amount: bar.advance(task, amount)
