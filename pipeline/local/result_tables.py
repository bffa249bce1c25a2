"""`leaderboard.json` on the console: alarms, candidates, the best one's figures, the verdict."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from common.formatting import short
from common.terminal import visible


def print_board(console: Console, board: dict[str, Any], *, pushed: bool) -> None:
    """Prints the whole leaderboard; what is suspect comes first, in red."""
    for alarm in board["alarms"]:
        console.print(Text(visible(f"ALARM  {alarm}"), style="bold red"))
    if board["alarms"]:
        console.print()
    console.print(_candidates_table(board))
    console.print()
    for entry in board["models"]:
        if entry["reason"]:
            console.print(f"  {entry['name']} failed: {entry['reason']}", markup=False)
    console.print(f"  {board['why_best']}\n", markup=False)
    console.print(_genre_table(board))
    test = board["test"]
    console.print(
        f"\n  accuracy {test['accuracy']:.3f} ({_interval(test['accuracy_interval'])})   "
        f"macro-F1 {test['macro_f1']:.3f} ({_interval(test['macro_f1_interval'])})   "
        f"top-3 {test['top_3_accuracy']:.3f}\n"
        f"  on {test['clips']:.0f} clips; in brackets the 95 % intervals\n",
        markup=False,
    )
    console.print(_gate_table(board))
    console.print()
    if pushed:
        console.print("[bold green]blessed[/bold green] and pushed")
    else:
        console.print("[bold red]refused[/bold red]: not pushed")
        for reason in board["reasons"]:
            console.print(f"  {reason}", markup=False)


def _candidates_table(board: dict[str, Any]) -> Table:
    # 80 columns have to do: that is what a console has that is not a terminal.
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("\n  candidates, on eval", no_wrap=True)
    for column in (
        "\naccuracy", "\nmacro-F1", "\n95 %", "param-\neters", "ms a\nclip", "s to\ntrain",
    ):  # fmt: skip
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for entry in board["models"]:
        style = "bold" if entry["name"] == board["best"] else None
        name, status = f"  {entry['name']}", Text(_status(entry, board))
        table.add_row(name, *_cells(entry), status, style=style)
    return table


def _cells(entry: dict[str, Any]) -> list[str]:
    figures = entry["eval"]
    if not figures:
        return ["-"] * 6
    return [
        f"{figures['accuracy']:.3f}",
        f"{figures['macro_f1']:.3f}",
        _interval(figures["macro_f1_interval"]),
        "-" if entry["parameters"] is None else short(entry["parameters"]),
        f"{entry['prediction_ms']:.1f}",
        "-" if entry["training_seconds"] is None else f"{entry['training_seconds']:.1f}",
    ]


def _interval(bounds: list[float]) -> str:
    return "{:.2f}-{:.2f}".format(*bounds)


def _status(entry: dict[str, Any], board: dict[str, Any]) -> str:
    notes = {
        "best": entry["name"] == board["best"],
        "tied": entry["tied"],
        "unservable": not entry["servable"],
        "failed": entry["status"] == "failed",
    }
    return ", ".join(note for note, holds in notes.items() if holds)


def _genre_table(board: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(f"  {board['best']}, on test")
    for column in ("clips", "precision", "recall", "95 %", "F1"):
        table.add_column(column, justify="right", no_wrap=True)
    for genre, figures in board["test"]["per_genre"].items():
        table.add_row(
            Text(visible(f"  {genre}")),
            f"{figures['clips']:.0f}",
            f"{figures['precision']:.3f}",
            f"{figures['recall']:.3f}",
            _interval(figures["recall_interval"]),
            f"{figures['f1']:.3f}",
        )
    return table


def _gate_table(board: dict[str, Any]) -> Padding:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("\ngate, on test")
    for column in ("\nrequired", "\nmeasured", "last\nblessed"):
        table.add_column(column, justify="right")
    table.add_column("\npassed", no_wrap=True)
    for row in board["gate"]:
        table.add_row(
            Text(visible(row["check"])),
            *(_bound(row[key]) for key in ("required", "measured", "baseline")),
            {True: "yes", False: "no", None: "-"}[row["passed"]],
            style="red" if row["passed"] is False else None,
        )
    return Padding(table, (0, 0, 0, 2))  # a long name is wrapped and stays in its column


def _bound(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.3f}"
