"""The benchmarks run and report; how fast anything is, no test says."""

from __future__ import annotations

import re

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.harness import for_each, time_variants

TINY = ["--clips=2", "--clip-seconds=2", "--repeats=1"]


def test_every_benchmark_prints_its_variants_with_a_baseline(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(TINY) == 0
    printed = capsys.readouterr().out
    rows = re.findall(r"^ (\S+) +(.+?)  +[\d,.e-]+ (?:ms a clip|MB) +(\S+) *$", printed, re.M)
    baselines = [benchmark for benchmark, _, ratio in rows if ratio == "baseline"]
    assert baselines == list(BENCHMARKS)
    assert len(rows) == 13
    assert all(ratio == "baseline" or float(ratio) > 0 for _, _, ratio in rows)


def test_only_the_named_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--only=resample"]) == 0
    printed = capsys.readouterr().out
    assert "resample in a graph" in printed
    assert "librosa.load" not in printed


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--only=nothing", "invalid choice: 'nothing'"),
        ("--repeats=0", "repeats must be positive, got 0"),
        ("--clips=0", "clips must be from 1 to"),
        ("--clip-seconds=1", "clip length"),
    ],
)
def test_a_bad_flag_is_named(flag: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([flag])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_variants_take_turns_after_a_call_that_is_not_counted() -> None:
    calls: list[str] = []
    time_variants({name: for_each(calls.append, [name]) for name in ("a", "b")}, repeats=2)
    assert calls == ["a", "b", "a", "b", "a", "b"]
