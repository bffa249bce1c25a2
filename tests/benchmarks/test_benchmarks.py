"""The benchmarks run and report; how fast anything is, no test says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from benchmarks import harness
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.harness import Row, for_each, rows, time_variants

TINY = ["--clips=2", "--clip-seconds=2", "--repeats=1"]


def test_every_benchmark_prints_its_rows_with_a_baseline_and_positive_ratios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[Row] = []
    print_table = harness.table

    def keep(new: list[Row]) -> object:
        measured.extend(new)
        return print_table(new)

    monkeypatch.setattr("benchmarks.__main__.table", keep)
    assert main(TINY) == 0

    n_variants = Counter(row.benchmark for row in measured)
    assert list(n_variants) == list(BENCHMARKS)
    assert n_variants == {
        "epoch": 4, "decode": 2, "log-mel": 3, "features": 6, "resample": 2, "memory": 3,
    }  # fmt: skip
    assert all(row.figure > 0 and row.ratio > 0 for row in measured)
    printed = capsys.readouterr().out
    assert printed.count("baseline") == len(BENCHMARKS)
    for row in measured:
        assert re.search(rf"{re.escape(row.variant)} .*\d {row.unit} ", printed), row.variant


def test_only_the_named_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--only=resample"]) == 0
    printed = capsys.readouterr().out
    assert "resample in a graph" in printed
    assert "librosa.load" not in printed


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--only=nothing"], "invalid choice: 'nothing'"),
        (["--repeats=0"], "repeats must be positive, got 0"),
        (["--clips=0"], "clips must be from 1 to"),
        (["--clip-seconds=1"], "clip length"),
    ],
)
def test_a_bad_flag_is_named(
    flags: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(flags)
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_first_figure_is_the_baseline() -> None:
    slow, fast = rows("epoch", {"files": 8.0, "records": 2.0}, "ms a clip")
    assert slow == Row("epoch", "files", 8.0, "ms a clip", 1.0)
    assert fast.ratio == 0.25


def test_variants_take_turns_after_a_call_that_is_not_counted() -> None:
    calls: list[str] = []
    seconds = time_variants(
        {name: for_each(calls.append, [name]) for name in ("a", "b")}, repeats=2
    )
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert list(seconds) == ["a", "b"]
