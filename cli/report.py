"""`music-genre report`: the page of a run."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from rich.table import Table

from common.console import PlainConsole
from common.errors import InputError
from common.terminal import print_error, visible
from pipeline.runs import PastRun, past_runs, pick
from report.page import NOTHING, figure


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the command."""
    parser.description = "Print the path of a run's page: the newest one's, or that of --run."
    parser.add_argument("output_dir", type=Path, help="--output-dir of local_runner.py")
    parser.add_argument("--run", type=int, metavar="N", help="number of a run, as --list has it")
    parser.add_argument("--list", action="store_true", help="list the runs instead")
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")


def run(flags: argparse.Namespace) -> int:
    """Shows a run or lists all, and returns the exit status."""
    runs = past_runs(flags.output_dir)
    if flags.list:
        PlainConsole().print(_table(runs))
    else:
        present(pick(runs, flags.run).page, in_browser=flags.open)
    return 0


def present(page: Path, *, in_browser: bool) -> None:
    """Prints the path of a page, and opens it in the web browser where that is wanted.

    Raises:
        InputError: where there is no web browser.
    """
    print(visible(str(page)))
    sys.stdout.flush()
    if in_browser and not webbrowser.open(page.resolve().as_uri()):
        raise InputError("no web browser was found")


def _table(runs: list[PastRun]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("run", "started", "model", "verdict"):
        table.add_column(column)
    for column in ("accuracy", "macro-F1"):
        table.add_column(column, justify="right")
    for past in runs:
        table.add_row(str(past.number), f"{past.started:%Y-%m-%d %H:%M}", *_cells(past))
    return table


def _cells(past: PastRun) -> list[str]:
    try:
        data = past.data()
    except InputError as error:  # an old run's, which is no reason to hide the others
        print_error(f"music-genre report: run {past.number}: {error}")
        return [NOTHING, "unreadable", NOTHING, NOTHING]
    overall = data.test["overall"]
    return [
        data.best,
        "blessed" if data.blessed else "refused",
        figure(overall.get("accuracy")),
        figure(overall.get("macro_f1")),
    ]
