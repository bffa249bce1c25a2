"""One line a component on the console: its time, progress and memory."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from common import progress

_SECONDS_BETWEEN_SAMPLES = 0.25
# What TFX's LocalDagRunner and launcher log, to the letter.
_RUNNING = "Component %s is running."
_FINISHED = "Component %s is finished."
_CACHED = "A cached execution %d is used."


class StepReporter:
    """Shows the step that runs, with its time and progress, and leaves one line when it ends."""

    def __init__(self, console: Console):
        """Reports on `console`; nothing moves where that is no terminal."""
        self._console = console
        self._lock = threading.Lock()
        self._name = ""
        self._cached = False
        self._started = 0.0
        self._peak_bytes = 0
        self._folder = tempfile.TemporaryDirectory(prefix="music-genre-")
        self._progress_path = Path(self._folder.name) / "progress"
        self._live: Live | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> StepReporter:
        """Starts watching memory and progress, and lets components report into a file."""
        os.environ[progress.FILE_VARIABLE] = str(self._progress_path)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stops watching; a step that still runs is left as failed."""
        if self._name:
            self._close("[red]failed[/red]")
        self._stop.set()
        self._thread.join()
        del os.environ[progress.FILE_VARIABLE]
        self._folder.cleanup()

    def start(self, name: str) -> None:
        """Begins a step."""
        self._progress_path.unlink(missing_ok=True)
        with self._lock:
            self._name, self._started = name, time.monotonic()
            self._peak_bytes, self._cached = 0, False
        if self._console.is_terminal:
            self._live = Live(console=self._console, transient=True, get_renderable=self._line)
            self._live.start()

    def mark_cached(self) -> None:
        """Tells that the running step takes its result from the cache."""
        self._cached = True

    def finish(self) -> None:
        """Ends the step."""
        self._close("cached" if self._cached else "[green]done[/green]  ")

    def _close(self, outcome: str) -> None:
        if self._live:
            self._live.stop()
            self._live = None
        self._sample()
        seconds = time.monotonic() - self._started
        memory = "" if self._cached else f"   peak {self._peak_bytes / 2**30:.2f} GiB"
        self._console.print(f"  {self._name:<28}{outcome}{seconds:>8.1f} s{memory}")
        with self._lock:
            self._name = ""

    def _line(self) -> Table:
        row: list[object] = [
            Spinner("dots"),
            Text(f"{self._name:<28}"),
            Text(f"{time.monotonic() - self._started:>6.0f} s"),
        ]
        progress_now = progress.read(self._progress_path)
        if progress_now:
            done, total = progress_now
            row += [ProgressBar(total=total, completed=done, width=30), Text(f"{done}/{total}")]
        table = Table.grid(padding=(0, 1))
        table.add_row(*row)  # type: ignore[arg-type]
        return table

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_SAMPLES):
            self._sample()

    def _sample(self) -> None:
        resident = _resident_bytes()
        with self._lock:
            self._peak_bytes = max(self._peak_bytes, resident)


def _resident_bytes() -> int:
    """Returns the resident memory of this process and its workers."""
    process = psutil.Process()
    total = 0
    for member in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += member.memory_info().rss
    return int(total)


class ComponentLog(logging.Handler):
    """Follows TFX's runner through what it logs."""

    def __init__(self, reporter: StepReporter, after: Mapping[str, Callable[[], None]]):
        """Tells `reporter` of each component's start, cache hit and end; then calls `after[it]`."""
        super().__init__(logging.INFO)
        self._reporter = reporter
        self._after = after

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one log record."""
        if record.msg == _RUNNING and isinstance(record.args, tuple):
            self._reporter.start(str(record.args[0]))
        elif record.msg == _CACHED:
            self._reporter.mark_cached()
        elif record.msg == _FINISHED and isinstance(record.args, tuple):
            self._reporter.finish()
            if follow_up := self._after.get(str(record.args[0])):
                try:
                    follow_up()
                except Exception:  # the component itself is done
                    logging.exception("What %s did could not be printed", record.args[0])
