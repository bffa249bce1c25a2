"""Each step leaves one line on the console."""

from __future__ import annotations

import io
import logging
import os
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from common import progress
from pipeline.local.step_reporter import ComponentLog, StepReporter


def text_of(action: object) -> str:
    """Return what `action(reporter)` leaves on a console that is no terminal."""
    output = io.StringIO()
    with StepReporter(Console(file=output, width=100)) as reporter:
        action(reporter)  # type: ignore[operator]
    return output.getvalue()


def test_a_cached_step_says_so_and_the_next_is_not_cached() -> None:
    def steps(reporter: StepReporter) -> None:
        reporter.start("Transform")
        reporter.mark_cached()
        reporter.finish()
        reporter.start("Evaluator")
        reporter.finish()

    first, second = text_of(steps).splitlines()
    assert re.fullmatch(r"  Transform +cached +\d\.\d s", first)
    found = re.fullmatch(r"  Evaluator +done +\d\.\d s   peak (\d+\.\d\d) GiB", second)
    assert found and float(found[1]) > 0


def test_a_step_that_raises_is_left_as_failed() -> None:
    output = io.StringIO()
    with pytest.raises(ZeroDivisionError), StepReporter(Console(file=output)) as reporter:
        reporter.start("Evaluator")
        raise ZeroDivisionError
    assert re.fullmatch(r"  Evaluator +failed +\d\.\d s   peak .* GiB\n", output.getvalue())


def test_components_report_into_a_file_that_is_gone_afterwards() -> None:
    seen = []

    def step(reporter: StepReporter) -> None:
        reporter.start("FmaExampleGen")
        path = Path(os.environ[progress.FILE_VARIABLE])
        progress.start(4)
        progress.advance()
        seen.append((path, progress.read(path)))
        reporter.finish()
        reporter.start("StatisticsGen")
        seen.append((path, progress.read(path)))
        reporter.finish()

    text_of(step)
    (path, during), (_, after) = seen
    assert (during, after) == ((1, 4), None)
    assert progress.FILE_VARIABLE not in os.environ
    assert not path.parent.exists()


def test_the_log_handler_follows_what_tfx_logs() -> None:
    logger = logging.Logger("like absl")
    followed_up = []

    def steps(reporter: StepReporter) -> None:
        after = {"StatisticsGen": lambda: followed_up.append("StatisticsGen")}
        logger.addHandler(ComponentLog(reporter, after))
        logger.info("Component %s is running.", "StatisticsGen")
        logger.info("MetadataStore with DB connection initialized")
        assert followed_up == []
        logger.info("Component %s is finished.", "StatisticsGen")
        assert followed_up == ["StatisticsGen"]
        logger.info("Component %s is running.", "Pusher")
        logger.info("A cached execution %d is used.", 12)
        logger.info("Component %s is finished.", "Pusher")

    lines = [line.split()[:2] for line in text_of(steps).splitlines()]
    assert lines == [["StatisticsGen", "done"], ["Pusher", "cached"]]


def test_on_a_terminal_the_running_step_shows_its_progress() -> None:
    output = io.StringIO()
    terminal = Console(file=output, force_terminal=True, width=100)
    with StepReporter(terminal) as reporter:
        reporter.start("FmaExampleGen")
        progress.start(40)
        progress.advance()
        time.sleep(0.4)
        reporter.finish()
    assert "1/40" in output.getvalue()
    assert output.getvalue().rstrip().endswith("GiB")
