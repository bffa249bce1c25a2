"""What commands print: in any encoding, and with names that hold escape sequences."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import benchmarks.__main__
import corpus.__main__
import local_runner
import vertex_runner
from cli import main as music_genre
from common.terminal import visible

# Sets the title of a terminal's window, goes back over it, and a C1 control that begins a colour.
HOSTILE = "Ro\x1b]0;owned\x07\b\rck\x9b31m"
SHOWN = r"Ro\x1b]0;owned\x07\x08\rck\x9b31m"
COMMANDS = {
    "local_runner.py": local_runner.main,
    "vertex_runner.py": vertex_runner.main,
    "music-genre": music_genre.main,
    "corpus": corpus.__main__.main,
    "benchmarks": benchmarks.__main__.main,
}
ALL = [
    *([name] for name in COMMANDS),
    *(["music-genre", name] for name in ("to-wav", "report", "compare")),
]
for_each_command = pytest.mark.parametrize("words", ALL, ids=" ".join)
Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a caller of a command; it returns the exit status, stdout and stderr."""

    def call(name: str, *flags: str, encoding: str = "utf-8") -> tuple[object, str, str]:
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            try:
                status: object = COMMANDS[name](list(flags))
            except SystemExit as stop:
                status = stop.code
        for stream in (out, err):
            stream.seek(0)
        return status, out.read(), err.read()

    return call


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


@for_each_command
def test_help_is_printed_in_any_encoding(run: Run, words: list[str]) -> None:
    status, out, err = run(*words, "--help", encoding="ascii")
    assert (status, err) == (0, "")
    assert out.startswith("usage: ")


@for_each_command
def test_no_command_takes_abbreviations_or_prints_escape_sequences(
    run: Run, words: list[str]
) -> None:
    status, _, err = run(*words, f"--hel={HOSTILE}")
    assert (status, err.count("\n")) == (2, 1), err
    assert "\x1b" not in err


def test_a_genre_is_printed_as_far_as_the_encoding_goes(
    run: Run, write_archive: Callable[..., list[str]]
) -> None:
    genre = {i: {"track.genre_top": f"日本{HOSTILE}"} for i in (1, 3, 5)}
    status, out, err = run("local_runner.py", *write_archive(genre), "--dry-run", encoding="ascii")
    assert (status, err) == (0, "")
    # In a label, what is read as control characters is spaces already.
    assert "??Ro ]0;owned ck 31m  " in out


def test_a_file_name_in_an_error_is_shown_with_escapes(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / f"日本{HOSTILE}"
    for command in (
        ["local_runner.py", f"--audio-dir={folder}", f"--output-dir={tmp_path / 'o'}"],
        ["music-genre", "to-wav", str(folder), str(tmp_path)],
        ["music-genre", "report", str(folder)],
        ["corpus", f"--output-dir={folder}", "--clips-per-genre=5"],
    ):
        status, out, err = run(*command)
        assert (status, out) == (2, ""), err
        assert "\x1b" not in err
    _, _, err = run("music-genre", "report", str(folder))
    assert err == f"music-genre report: error: there is no folder {tmp_path}/日本{SHOWN}\n"
