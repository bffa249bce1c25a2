"""The console: what libraries print goes to the log, and each step leaves one line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from common import console
from common.console import PlainConsole, output_to_log

# The title of a window, a bell, a step back, a return, and a C1 control that begins a colour.
HOSTILE = "\x1b]0;owned\x07\b\r\x9b31m"
SHOWN = r"\x1b]0;owned\x07\x08\r\x9b31m"


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


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with output_to_log(tmp_path / "log"):
            pass
    assert set(os.listdir("/proc/self/fd")) == before


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


def test_python_output_goes_to_the_log_too_and_what_the_encoding_lacks_is_replaced(
    tmp_path: Path,
) -> None:
    # In a process of its own: under pytest, sys.stdout is not file descriptor 1.
    script = f"""
import pathlib, sys
from common.console import output_to_log
print("before")
try:
    with output_to_log(pathlib.Path({str(tmp_path / "log")!r})) as real:
        print("buffered")
        print("complaint", file=sys.stderr)
        real.print("genre \u65e5\u672c")
        raise RuntimeError("step failed")
except RuntimeError:
    print("after")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(console.__file__).parents[1],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "before\ngenre ??\nafter\n"
    assert done.stderr == ""
    assert sorted((tmp_path / "log").read_text().split()) == ["buffered", "complaint"]
