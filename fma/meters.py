"""Progress of a long step: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.filesize import decimal
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

SECONDS_BETWEEN_LINES = 10.0


class Meter:
    """Counts what is done of a step; several threads may advance it."""

    def advance(self, amount: int) -> None:
        """Adds bytes, or files, that have been done."""
        raise NotImplementedError


class Reporter:
    """Tells on a console what is going on."""

    def __init__(self, console: Console, seconds_between_lines: float = SECONDS_BETWEEN_LINES):
        """Reports on `console`; on no terminal a step has a line every so many seconds."""
        self._console = console
        self._seconds = seconds_between_lines

    def say(self, sentence: str) -> None:
        """Prints a sentence, as it is."""
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def step(
        self, title: str, total: int | None, done: int = 0, *, files: bool = False
    ) -> Iterator[Meter]:
        """Yields the meter of a step.

        Args:
            title: what is done.
            total: bytes or files there are to do, None where that is not known.
            done: how much has been done before.
            files: whether it is files that are counted, not bytes.
        """
        if not self._console.is_terminal:
            yield _Lines(self, title, total, done, files, self._seconds)
            return
        counted: list[ProgressColumn] = (
            [MofNCompleteColumn()] if files else [DownloadColumn(), TransferSpeedColumn()]
        )
        title_column = TextColumn("{task.description}", markup=False)
        columns = (title_column, BarColumn(), *counted, TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield _Bar(progress, title, total, done)


class _Bar(Meter):
    def __init__(self, progress: Progress, title: str, total: int | None, done: int):
        self._progress = progress
        # What was done before does not count as speed.
        self._task = progress.add_task(title, total=total, completed=done)

    def advance(self, amount: int) -> None:
        self._progress.advance(self._task, amount)


class _Lines(Meter):
    def __init__(
        self,
        reporter: Reporter,
        title: str,
        total: int | None,
        done: int,
        files: bool,
        seconds: float,
    ):
        self._reporter, self._title, self._total, self._files = reporter, title, total, files
        self._before = self._done = done
        self._seconds = seconds
        self._begun = self._told = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, amount: int) -> None:
        with self._lock:
            self._done += amount
            now = time.monotonic()
            if now - self._told < self._seconds:
                return
            self._told = now
            self._reporter.say(f"{self._title}: {self._line(now - self._begun)}")

    def _line(self, seconds: float) -> str:
        rate = (self._done - self._before) / seconds if seconds else 0.0
        text = self._amount(self._done)
        if self._total is not None:
            text += f" of {self._amount(self._total)}"
        text += f", {self._amount(round(rate))}/s"
        if self._total is not None and rate:
            text += f", {_duration((self._total - self._done) / rate)} left"
        return text

    def _amount(self, number: int) -> str:
        return f"{number:,} files" if self._files else decimal(number)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
