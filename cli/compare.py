"""`music-genre compare`: two runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from cli.report import present
from common.errors import InputError
from pipeline.runs import past_runs, pick
from report import compare


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the command."""
    parser.description = (
        "Write a page with two runs side by side and print its path. If both folders are the\n"
        "same, its last two runs are compared."
    )
    parser.add_argument("first", type=Path, metavar="OUTPUT_A", help="folder of the first run")
    parser.add_argument("second", type=Path, metavar="OUTPUT_B", help="folder of the second run")
    parser.add_argument("--run-a", type=int, metavar="N", help="run of OUTPUT_A; default: newest")
    parser.add_argument("--run-b", type=int, metavar="N", help="run of OUTPUT_B; default: newest")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: OUTPUT_B/report/compare.html"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")


def run(flags: argparse.Namespace) -> int:
    """Writes the page and returns the exit status."""
    first, second = past_runs(flags.first), past_runs(flags.second)
    run_a, run_b = flags.run_a, flags.run_b
    if run_a is None and run_b is None and flags.first.resolve() == flags.second.resolve():
        if len(first) == 1:
            raise InputError(f"{flags.first} holds a single run, so there are no two to compare")
        run_a = first[-2].number
    one, other = pick(first, run_a), pick(second, run_b)
    text = compare.render(
        compare.Run(f"{flags.first}, run {one.number}", one.data()),
        compare.Run(f"{flags.second}, run {other.number}", other.data()),
    )
    path = flags.output or flags.second / "report" / "compare.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    present(path, in_browser=flags.open)
    return 0
