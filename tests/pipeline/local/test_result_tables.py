"""The leaderboard on the console."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from pipeline.local import result_tables

FIGURES = {
    "accuracy": 0.71875, "macro_f1": 0.635, "macro_f1_interval": [0.5049, 0.76],
}  # fmt: skip


def entry(name: str, **values: Any) -> dict[str, Any]:
    """Return a row of the leaderboard."""
    usual = {
        "name": name, "status": "trained", "reason": None, "eval": FIGURES, "parameters": 1_234_567,
        "training_seconds": 12.34, "prediction_ms": 45.67, "servable": True, "tied": False,
    }  # fmt: skip
    return {**usual, **values}


def board(**values: Any) -> dict[str, Any]:
    """Return a leaderboard whose second row failed."""
    failed = entry(
        "svm", status="failed", reason="no [bold] clips", eval=None, parameters=None,
        training_seconds=None, prediction_ms=None,
    )  # fmt: skip
    genre = {"clips": 4.0, "precision": 0.5, "recall": 0.25, "f1": 0.333,
             "recall_interval": [0.0, 0.75]}  # fmt: skip
    usual = {
        "models": [entry("cnn1d", tied=True), failed],
        "best": "cnn1d",
        "why_best": "cnn1d is the only one to choose from",
        "test": {
            "clips": 32.0, "accuracy": 0.625, "macro_f1": 0.6, "top_3_accuracy": 0.9,
            "accuracy_interval": [0.4, 0.8], "macro_f1_interval": [0.35, 0.79],
            "per_genre": {"Hip-Hop[/b]": genre},
        },
        "gate": [],
        "reasons": [],
        "alarms": [],
    }  # fmt: skip
    return {**usual, **values}


def printed(content: dict[str, Any], *, pushed: bool, colours: bool = False) -> str:
    """Return what is printed."""
    output = io.StringIO()
    console = Console(file=output, width=80, color_system="standard" if colours else None)
    result_tables.print_board(console, content, pushed=pushed)
    return output.getvalue()


def test_a_candidate_has_a_row_and_a_failed_one_its_reason() -> None:
    rows = [line.split() for line in printed(board(), pushed=True).splitlines() if line]
    assert [
        "cnn1d", "0.719", "0.635", "0.50-0.76", "1.23", "M", "45.7", "12.3", "best,", "tied",
    ] in rows  # fmt: skip
    assert ["svm", "-", "-", "-", "-", "-", "-", "failed"] in rows
    assert ["svm", "failed:", "no", "[bold]", "clips"] in rows
    assert ["Hip-Hop[/b]", "4", "0.500", "0.250", "0.00-0.75", "0.333"] in rows
    assert ["cnn1d", "is", "the", "only", "one", "to", "choose", "from"] in rows
    assert any(row[:3] == ["accuracy", "0.625", "(0.40-0.80)"] for row in rows)
    assert rows[-1] == ["blessed", "and", "pushed"]


def test_alarms_are_red_and_come_first() -> None:
    content = board(alarms=["accuracy on eval is above all [/b]"])
    assert printed(content, pushed=True).startswith("ALARM  accuracy on eval is above all [/b]\n")
    assert printed(content, pushed=True, colours=True).startswith("\x1b[1;31mALARM")
    assert "ALARM" not in printed(board(), pushed=True)


def test_the_longest_row_has_room_in_80_columns() -> None:
    longest = entry(
        "logistic_regression", tied=True, parameters=99_950_000, prediction_ms=123.45,
        training_seconds=987.6,
    )  # fmt: skip
    models = [entry("table", servable=False), longest]
    text = printed(board(models=models, best="logistic_regression"), pushed=True)
    table, row = (line.split() for line in text.splitlines() if "0.719" in line)
    assert (table[0], table[-1]) == ("table", "unservable")
    assert row == [
        "logistic_regression", "0.719", "0.635", "0.50-0.76", "100", "M", "123.5", "987.6",
        "best,", "tied",
    ]  # fmt: skip


def test_why_a_model_is_refused_is_printed() -> None:
    content = board(reasons=["Rock: recall is 0.000, at least 0.050 is needed"])
    lines = printed(content, pushed=False).splitlines()
    assert lines[-2:] == [
        "refused: not pushed",
        "  Rock: recall is 0.000, at least 0.050 is needed",
    ]


def test_the_checks_of_the_gate_are_a_table_in_80_columns() -> None:
    genre = "Instrumental[/b]"
    rows = [
        ("accuracy", 0.3, 0.625, None, True),
        (f"recall of {genre} vs last blessed", 0.55, 0.5, 0.8, False),
        ("recall of Rock", "too few clips to judge", 0.25, 0.5, None),
    ]
    keys = ("check", "required", "measured", "baseline", "passed")
    content = board(gate=[dict(zip(keys, row, strict=True)) for row in rows])
    text = printed(content, pushed=False)
    assert max(map(len, text.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "accuracy 0.300 0.625 - yes" in lines
    assert any(line.endswith("0.550 0.500 0.800 no") for line in lines)
    assert any(line.endswith("0.250 0.500 -") and "too few clips" in line for line in lines)
    assert genre in text
    failed = next(
        line
        for line in printed(content, pushed=False, colours=True).splitlines()
        if "0.800" in line
    )
    assert "\x1b[31m" in failed
