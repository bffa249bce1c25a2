"""The estimate of a run's time: what it grows with, and what is said of a long run."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest

import local_runner
from common.console import PlainConsole
from models.networks import cnn1d
from models.registry import MODEL_NAMES
from pipeline.local import cpu_speed, run_time, time_table
from pipeline.local.run_time import READING, REFIT, Steps

NEEDED = ("--audio-dir=a", "--metadata-dir=m", "--output-dir=o", "--mobilenet-weights=none")


def clips(n: int) -> dict[str, Any]:
    """Return the totals of an archive of `n` clips."""
    shares = {"train": 0.64, "eval": 0.16, "test": 0.2}
    return {split: {"clips": round(share * n)} for split, share in shares.items()}


def estimate(n_clips: int, *flags: str, slowness: float = 1.0) -> Steps:
    config = local_runner.parse([*NEEDED, *flags])[0]
    return run_time.estimate(config, clips(n_clips), slowness)


def seconds(n_clips: int, name: str, *flags: str) -> float:
    """Return the estimate of one model, which has been measured."""
    found = estimate(n_clips, f"--models={name}", *flags)[name]
    assert found is not None
    return found


def printed(steps: Steps) -> str:
    output = io.StringIO()
    time_table.print_times(PlainConsole(file=output, width=80), steps)
    return output.getvalue()


@pytest.mark.parametrize("name", [READING, "svm", "cnn1d", "mobilenet_v2"])
def test_it_grows_with_clips(name: str) -> None:
    flags = ("--models=svm,cnn1d,mobilenet_v2", "--epochs=20")
    few, many = (estimate(n, *flags)[name] for n in (100, 10_000))
    assert few is not None and many is not None
    assert many > 5 * few > 0


def test_it_grows_with_epochs_trials_and_fine_tuning() -> None:
    assert seconds(8_000, "fcn5", "--epochs=40") > 1.9 * seconds(8_000, "fcn5", "--epochs=20")
    tuned = seconds(8_000, "fcn5", "--epochs=10", "--tune=fcn5", "--tuner-trials=4")
    assert tuned > 4 * seconds(8_000, "fcn5", "--epochs=10")
    head = seconds(8_000, "mobilenet_v2")
    assert seconds(8_000, "mobilenet_v2", "--fine-tune-epochs=9") > 3 * head
    assert seconds(8_000, "svm", "--epochs=40") == seconds(8_000, "svm", "--epochs=20")


def test_networks_of_raw_audio_take_longer_with_more_windows() -> None:
    config = local_runner.parse([*NEEDED, "--models=sample_cnn"])[0]
    more = dataclasses.replace(config, audio=dataclasses.replace(config.audio, n_windows=80))
    before, after = (
        run_time.estimate(each, clips(800), 1)["sample_cnn"] for each in (config, more)
    )
    assert before is not None and after is not None
    assert after > 2 * before


def test_features_that_several_models_read_are_computed_once() -> None:
    assert estimate(100, "--models=svm")[READING] == estimate(100, "--models=svm,knn")[READING]
    both = estimate(100, "--models=svm,fcn5")[READING]
    assert both is not None
    assert both > (estimate(100, "--models=svm")[READING] or 0)


def test_a_slower_cpu_takes_longer() -> None:
    fast, slow = (estimate(100, "--models=all", slowness=factor) for factor in (1.0, 3.0))
    assert list(fast) == [READING, *MODEL_NAMES, REFIT]
    assert run_time.total(slow) == pytest.approx(3 * run_time.total(fast))
    assert cpu_speed.slowness() > 0


def test_a_model_that_has_not_been_measured_has_no_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unmeasured = dataclasses.replace(cnn1d.MODEL, seconds_per_input=None)
    monkeypatch.setattr(cnn1d, "MODEL", unmeasured)
    steps = estimate(100, "--models=cnn1d,svm")
    assert steps["cnn1d"] is None
    rows = [line.split() for line in printed(steps).splitlines()]
    assert ["cnn1d", "-"] in rows
    assert any(row[:3] == ["in", "all", "over"] for row in rows)


def test_a_long_run_has_one_line_that_names_what_takes_the_time() -> None:
    text = printed({READING: 7_200.0, "svm": 60.0, "fcn5": 172_800.0, "cnn1d": None})
    (warning,) = [line for line in text.splitlines() if "warning" in line]
    assert "about 2 days, most of it for fcn5:" in warning
    assert "--models" in warning and "--epochs" in warning


def test_a_short_run_has_no_warning() -> None:
    text = printed({READING: 100.0, "svm": 12.0, "cnn1d": 7_200.0})
    assert "warning" not in text
    rows = [line.split() for line in text.splitlines()]
    assert ["svm", "10", "s"] in rows
    assert ["cnn1d", "2", "h"] in rows
    assert ["in", "all", "2", "h"] in rows


def test_the_fewest_steps_are_named_that_make_a_run_long() -> None:
    hour = 3_600.0
    assert run_time.too_long({"a": 8 * hour, "b": 9 * hour, "c": hour}) == ["b"]
    assert run_time.too_long({"a": 20 * hour, "b": 30 * hour, "c": hour}) == ["b", "a"]
    assert run_time.too_long({"a": 12 * hour}) == []
