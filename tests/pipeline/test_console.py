"""The console: what libraries print goes to the log, and each step leaves one line."""

from __future__ import annotations

import inspect
import io
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tfx.orchestration.local import local_dag_runner
from tfx.orchestration.portable import launcher

from pipeline import console, progress
from pipeline.console import ComponentLog, PlainConsole, StepReporter, output_to_log


def text_of(action: object) -> str:
    """Return what `action(reporter)` leaves on a console that is no terminal."""
    output = io.StringIO()
    with StepReporter(Console(file=output, width=100)) as reporter:
        action(reporter)  # type: ignore[operator]
    return output.getvalue()


def test_output_of_any_level_goes_to_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n")
    print("before")
    with output_to_log(log) as real:
        os.write(1, b"from C, 1\n")
        os.write(2, b"from C, 2\n")
        subprocess.run(["sh", "-c", "echo from a child; echo its complaint >&2"], check=True)
        real.print("for the user")
        real.file.flush()
    os.write(1, b"after 1\n")
    os.write(2, b"after 2\n")
    assert log.read_text() == ("earlier\nfrom C, 1\nfrom C, 2\nfrom a child\nits complaint\n")
    out, err = capfd.readouterr()
    assert out == "before\nfor the user\nafter 1\n"
    assert err == "after 2\n"


def test_python_output_goes_to_the_log_too(tmp_path: Path) -> None:
    # In a process of its own: under pytest, sys.stdout is not file descriptor 1.
    script = f"""
import pathlib, sys
from pipeline.console import output_to_log
print("before")
try:
    with output_to_log(pathlib.Path({str(tmp_path / "log")!r})) as real:
        print("buffered")
        print("complaint", file=sys.stderr)
        real.print("for the user")
        raise RuntimeError("step failed")
except RuntimeError:
    print("after")
"""
    root = Path(console.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "before\nfor the user\nafter\n"
    assert done.stderr == ""
    assert sorted((tmp_path / "log").read_text().split()) == ["buffered", "complaint"]


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with output_to_log(tmp_path / "log"):
            pass
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_step_that_is_done_leaves_its_time_and_memory() -> None:
    def step(reporter: StepReporter) -> None:
        reporter.start("Transform")
        time.sleep(0.12)
        reporter.finish()

    found = re.fullmatch(r"  Transform +done +(\d\.\d) s   peak (\d+\.\d\d) GiB\n", text_of(step))
    assert found
    assert 0.1 <= float(found[1]) < 5
    assert 0.01 < float(found[2]) < 100


def test_a_cached_step_says_so_and_the_next_is_not_cached() -> None:
    def steps(reporter: StepReporter) -> None:
        reporter.start("Transform")
        reporter.mark_cached()
        reporter.finish()
        reporter.start("Evaluator")
        reporter.finish()

    first, second = text_of(steps).splitlines()
    assert re.fullmatch(r"  Transform +cached +\d\.\d s", first)
    assert re.fullmatch(r"  Evaluator +done +\d\.\d s   peak .* GiB", second)


def test_a_step_that_raises_is_left_as_failed() -> None:
    output = io.StringIO()
    with pytest.raises(ZeroDivisionError), StepReporter(Console(file=output)) as reporter:
        reporter.start("Evaluator")
        raise ZeroDivisionError
    assert re.fullmatch(r"  Evaluator +failed +\d\.\d s   peak .* GiB\n", output.getvalue())


def test_an_error_between_steps_leaves_no_line() -> None:
    assert text_of(lambda reporter: None) == ""


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
    (path, told), (_, told_after) = seen
    assert (told, told_after) == ((1, 4), None)
    assert progress.FILE_VARIABLE not in os.environ
    assert not path.parent.exists()


def test_tfx_logs_what_the_console_listens_for() -> None:
    runner, launch = inspect.getsource(local_dag_runner), inspect.getsource(launcher)
    assert f"logging.info('{console._RUNNING}', node_id)" in runner
    assert f"logging.info('{console._FINISHED}', node_id)" in runner
    assert f"logging.info('{console._CACHED}', execution.id)" in launch


def test_the_log_handler_follows_what_tfx_logs() -> None:
    logger = logging.Logger("like absl")
    told = []

    def steps(reporter: StepReporter) -> None:
        after = {"StatisticsGen": lambda: told.append("StatisticsGen")}
        logger.addHandler(ComponentLog(reporter, after))
        logger.info("Component %s is running.", "StatisticsGen")
        logger.info("MetadataStore with DB connection initialized")
        assert told == []
        logger.info("Component %s is finished.", "StatisticsGen")
        assert told == ["StatisticsGen"]
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


# The title of a window, a bell, a step back, a return, and a C1 control that begins a colour.
HOSTILE = "\x1b]0;owned\x07\b\r\x9b31m"
SHOWN = r"\x1b]0;owned\x07\x08\r\x9b31m"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_names_cannot_steer_the_terminal(is_terminal: bool) -> None:
    output = io.StringIO()
    plain = PlainConsole(file=output, force_terminal=is_terminal, width=100)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    plain.print(f"[red]{HOSTILE}[/red]")
    plain.print(f":smile: {HOSTILE}", markup=False)
    plain.print(table)
    plain.print(Text("\x1b]0;owned\x9b31m"))
    said = output.getvalue()
    assert said.count(SHOWN) == 4
    assert r"\x1b]0;owned\x9b31m" in said
    assert ":smile:" in said
    assert not set("\x07\b\r\x9b") & set(said)
    assert ("\x1b[31m" in said) == is_terminal
    assert "\x1b]" not in said


def test_what_the_encoding_lacks_is_replaced_during_a_run(tmp_path: Path) -> None:
    script = f"""
import pathlib
from pipeline.console import output_to_log
with output_to_log(pathlib.Path({str(tmp_path / "log")!r})) as real:
    real.print("genre 日本")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(console.__file__).parents[1],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"genre ??\n"
