"""Reopens the report of a past run, and puts two runs side by side.

python -m cli.report OUTPUT_DIR                      prints the path of the newest run's page
python -m cli.report compare OUTPUT_DIR OUTPUT_DIR   writes a page of two runs
"""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from rich.table import Table

from cli.flags import Parser
from common.console import PlainConsole
from common.errors import InputError
from common.exit_status import with_exit_status
from common.terminal import complain, replace_unencodable, visible
from pipeline.runs import PastRun, past_runs, pick
from report import compare
from report.page import NOTHING, figure

OK = 0
COMPARE = "compare"


def _show_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m cli.report",
        description="Print the path of a run's page: the newest one's, or that of --run.",
        epilog=f"`python -m cli.report {COMPARE} --help` tells how to compare two runs.",
    )
    parser.add_argument("output_dir", type=Path, help="--output-dir of local_runner.py")
    parser.add_argument("--run", type=int, metavar="N", help="number of a run, as --list has it")
    parser.add_argument("--list", action="store_true", help="list the runs instead")
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")
    return parser


def _compare_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m cli.report {COMPARE}",
        description="Write a page with two runs side by side and print its path. Of one folder "
        "given twice the last two runs are taken.",
    )
    parser.add_argument("first", type=Path, metavar="OUTPUT_A", help="folder of the first run")
    parser.add_argument("second", type=Path, metavar="OUTPUT_B", help="folder of the second run")
    parser.add_argument("--run-a", type=int, metavar="N", help="run of OUTPUT_A; default: newest")
    parser.add_argument("--run-b", type=int, metavar="N", help="run of OUTPUT_B; default: newest")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: OUTPUT_B/report/compare.html"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == [COMPARE]:
        action, flags = _compare, _compare_parser().parse_args(words[1:])
    else:
        action, flags = _show, _show_parser().parse_args(words)
    return with_exit_status("python -m cli.report", lambda: action(flags))


def _show(flags: argparse.Namespace) -> int:
    runs = past_runs(flags.output_dir)
    if flags.list:
        PlainConsole().print(_table(runs))
        return OK
    return _present(pick(runs, flags.run).page, flags.open)


def _table(runs: list[PastRun]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("run", "started", "model", "verdict"):
        table.add_column(column)
    for column in ("accuracy", "macro-F1"):
        table.add_column(column, justify="right")
    for run in runs:
        table.add_row(str(run.number), f"{run.started:%Y-%m-%d %H:%M}", *_cells(run))
    return table


def _cells(run: PastRun) -> list[str]:
    try:
        data = run.data()
    except InputError as error:  # an old run's, which is no reason to hide the others
        complain(f"python -m cli.report: run {run.number}: {error}")
        return [NOTHING, "unreadable", NOTHING, NOTHING]
    overall = data.test["overall"]
    return [
        data.best,
        "blessed" if data.blessed else "refused",
        figure(overall.get("accuracy")),
        figure(overall.get("macro_f1")),
    ]


def _compare(flags: argparse.Namespace) -> int:
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
    return _present(path, flags.open)


def _present(page: Path, in_browser: bool) -> int:
    print(visible(str(page)))
    if in_browser and not webbrowser.open(page.resolve().as_uri()):
        raise InputError("there is no web browser to open it in")
    return OK


if __name__ == "__main__":
    sys.exit(main())
