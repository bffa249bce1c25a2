"""A console that shows names as they are, and a log for what others print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from common.terminal import visible


class PlainConsole(Console):
    """A console that shows names as they are: no highlighting, no emoji, no escape sequences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Returns a string as `Text`, which by itself drops some control characters."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yields what goes to the terminal, escape sequences only where they are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError, where rich would exit with status 1."""
        raise


@contextlib.contextmanager
def output_to_log(log_path: Path) -> Iterator[Console]:
    """Sends file descriptors 1 and 2 to `log_path` and yields a console on the real output.

    TFX, Beam and TensorFlow print thousands of lines, some from C++, which no Python logger sees.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    real_output = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace")
    with open(log_path, "ab") as log, real_output as real:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield PlainConsole(file=real, soft_wrap=not os.isatty(real.fileno()))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in enumerate(saved, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)
