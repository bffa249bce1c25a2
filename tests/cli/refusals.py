"""What all command lines have in common: one line on stderr, status 2, nothing heavy imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "tfx", "apache_beam", "pandas", "numpy", "librosa", "rich", "kfp"}


def refusal(
    capfd: pytest.CaptureFixture[str], main: Callable[[Sequence[str]], int], *flags: str
) -> str:
    """Run a command in this process, and return the line with which it refuses its input."""
    try:
        status: object = main(flags)
    except SystemExit as stop:
        status = stop.code
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), out + err
    program, level, message = err.rstrip("\n").split(": ", 2)
    assert program.endswith("_runner.py")
    assert level == "error"
    return message


def heavy_imports(program: str, *flags: str) -> tuple[int, set[str], str]:
    """Run a command in a process of its own; return status, heavy imports and what it prints."""
    command = [sys.executable, "-X", "importtime", program, *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "common.config" in imported
    found = {name for name in imported if name in HEAVY or name.startswith("google.cloud")}
    return done.returncode, found, done.stdout
