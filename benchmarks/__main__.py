"""The command line: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import table
from cli.flags import Parser
from common.console import PlainConsole
from common.terminal import replace_unencodable

# Name on the command line and in the table: module with `measure(workload) -> figures`.
BENCHMARKS = {
    "decode": "benchmarks.decoding",
    "features": "benchmarks.clip_features",
    "resample": "benchmarks.resampling",
    "memory": "benchmarks.memory",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what the command line asks for, prints the table and returns the exit status."""
    replace_unencodable()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"repeats must be positive, got {options.repeats}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Beam's clients of Google's services warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from benchmarks.workload import make_workload

    started = time.monotonic()
    console = PlainConsole()
    with tempfile.TemporaryDirectory(prefix="music-genre-bench-") as folder:
        try:
            workload = make_workload(
                Path(folder),
                n_clips=options.clips,
                clip_seconds=options.clip_seconds,
                repeats=options.repeats,
            )
        except ValueError as error:
            parser.error(str(error))
        measured = {}
        for name in options.only or BENCHMARKS:
            with console.status(name):
                measured[name] = importlib.import_module(BENCHMARKS[name]).measure(workload)
    console.print(table(measured))
    console.print(
        f"\n{options.clips} clips of {options.clip_seconds:g} s, median of {options.repeats}, "
        f"{os.cpu_count()} cores, {time.monotonic() - started:.0f} s in all"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m benchmarks",
        description="Measure speed and memory on a few synthetic clips.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME",
        help=f"one of {', '.join(BENCHMARKS)}; may be repeated (default: all)",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="measurements each")
    parser.add_argument("--clips", type=int, default=8, metavar="N", help="clips to measure on")
    parser.add_argument(
        "--clip-seconds", type=float, default=30.0, metavar="S", help="length of a clip"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
