"""What commands print: on a terminal of any encoding, and names that hold escape sequences."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import local_runner
from common.terminal import visible

ROOT = Path(local_runner.__file__).parent
# Sets the title of a terminal's window, goes back over it, and a C1 control that begins a colour.
HOSTILE = "Ro\x1b]0;owned\x07\b\rck\x9b31m"
SHOWN = r"Ro\x1b]0;owned\x07\x08\rck\x9b31m"
COMMANDS = (
    ["local_runner.py"],
    ["vertex_runner.py"],
    ["-m", "cli.main"],
    ["-m", "cli.main", "to-wav"],
    ["-m", "cli.main", "report"],
    ["-m", "cli.main", "compare"],
    ["-m", "corpus"],
    ["-m", "benchmarks"],
)

WriteArchive = Callable[..., list[str]]


def run(*command: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Run a command whose stdout has an encoding."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("日本 é \t\n [b]x[/b]", "日本 é \t\n [b]x[/b]"),
        (HOSTILE, SHOWN),
        ("\x00\x7f\x80\x9f\udcff", r"\x00\x7f\x80\x9f\udcff"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_printed_whatever_the_encoding(command: list[str]) -> None:
    done = run(*command, "--help", encoding="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_takes_abbreviations_or_prints_escape_sequences(command: list[str]) -> None:
    done = run(*command, f"--hel={HOSTILE}")
    assert done.returncode == 2, done.stderr
    assert "\x1b" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_genre_is_printed_as_far_as_the_encoding_goes(write_archive: WriteArchive) -> None:
    genre = {i: {"genre": f"日本{HOSTILE}"} for i in (1, 3, 5)}
    done = run("local_runner.py", *write_archive(genre), "--dry-run", encoding="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    # In a label, what is read as control characters is spaces already.
    assert "??Ro ]0;owned ck 31m  " in done.stdout


def test_a_file_name_in_an_error_is_shown_with_escapes(tmp_path: Path) -> None:
    folder = tmp_path / f"日本{HOSTILE}"
    for command in (
        ["local_runner.py", f"--audio-dir={folder}", f"--output-dir={tmp_path / 'o'}"],
        ["-m", "cli.main", "to-wav", str(folder), str(tmp_path)],
        ["-m", "cli.main", "report", str(folder)],
        ["-m", "corpus", f"--output-dir={folder}", "--clips-per-genre=5"],
    ):
        done = run(*command)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "\x1b" not in done.stderr
    done = run("-m", "cli.main", "report", str(folder))
    assert done.stderr == f"music-genre report: error: there is no folder {tmp_path}/日本{SHOWN}\n"


def test_a_folder_is_named_as_far_as_the_encoding_goes(tmp_path: Path) -> None:
    folder = tmp_path / f"日本{HOSTILE}"
    flags = ["--clips-per-genre=6", "--clip-seconds=2", "--workers=1"]
    done = run("-m", "corpus", f"--output-dir={folder}", *flags, encoding="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"in {tmp_path}/??{SHOWN}.\n")
    small, wavs = folder / "fma_small", folder / "wavs"
    done = run("-m", "cli.main", "to-wav", str(small), str(wavs), encoding="ascii")
    assert done.returncode == 0, done.stderr
    assert f"wavs are in {tmp_path}/??{SHOWN}/wavs, " in done.stdout
