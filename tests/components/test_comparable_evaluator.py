"""What the Evaluator holds a candidate against, and what it measures before calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tfx.types import standard_artifacts

from components.comparable_evaluator import Executor
from components.model_properties import SERVABLE
from evaluation.config import GateConfig
from evaluation.tfma_results import read_evaluation
from models import calibration
from tests.stand_ins import model_artifact, run_evaluator, scores_for, write_examples

GENRES = ("Pop", "Rock")
LABELS = [0, 0, 1, 1]
ANYTHING = GateConfig(
    min_accuracy=0, min_macro_f1=0, min_genre_recall=0, max_drop=1, max_genre_drop=1
)


def judge(
    folder: Path, *, read: tuple[str, ...], candidate_servable: bool
) -> standard_artifacts.ModelBlessing:
    """Evaluate svm against fma, which needs more than audio.

    Args:
        folder: where to write.
        read: the models whose scores the Examples have.
        candidate_servable: whether svm needs nothing but audio.
    """
    scores = {name: scores_for(LABELS, len(GENRES), seed=1) for name in read}
    examples = write_examples(str(folder / "examples"), "test", GENRES, LABELS, scores)
    candidate = model_artifact(folder, "svm", len(GENRES), 1)
    candidate.set_int_custom_property(SERVABLE, int(candidate_servable))
    baseline = model_artifact(folder, "fma", len(GENRES), 2)
    baseline.set_int_custom_property(SERVABLE, 0)
    _, blessing = run_evaluator(
        folder, Executor, ANYTHING, examples=examples, model=candidate, baseline_model=baseline
    )
    return blessing


def test_a_model_that_reads_what_is_not_there_is_no_baseline(tmp_path: Path) -> None:
    blessing = judge(tmp_path, read=("svm",), candidate_servable=True)
    assert blessing.get_int_custom_property("blessed") == 1
    assert not blessing.has_custom_property("baseline_model_id")


def test_two_models_of_one_kind_are_compared(tmp_path: Path) -> None:
    blessing = judge(tmp_path, read=("svm", "fma"), candidate_servable=False)
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("baseline_model_id") == 2


def test_the_calibration_before_is_that_of_the_scores_before(tmp_path: Path) -> None:
    before = scores_for([0, 1, 1, 1], len(GENRES), seed=1)
    scores = calibration.scaled(before.astype(np.float32), 2.5).numpy()
    examples = write_examples(str(tmp_path / "examples"), "test", GENRES, LABELS, {"svm": scores})
    candidate = model_artifact(tmp_path, "svm", len(GENRES), hyperparameters={"temperature": 2.5})
    evaluation, _ = run_evaluator(tmp_path, Executor, ANYTHING, examples=examples, model=candidate)
    found = read_evaluation(evaluation.uri, "", GENRES)
    for bins, expected in (
        (found.calibration, scores),
        (found.calibration_before, before),
    ):
        highest = expected.max(axis=1)
        assert sum(one["clips"] for one in bins) == len(LABELS)
        for one in bins:
            within = (highest > one["lower"]) & (highest <= one["upper"])
            assert one["clips"] == within.sum()
            assert one["mean_score"] == pytest.approx(highest[within].mean(), abs=1e-6)
            right = (expected.argmax(axis=1) == LABELS)[within]
            assert one["accuracy"] == pytest.approx(right.mean())
    gaps = [
        one["clips"] * abs(one["accuracy"] - one["mean_score"]) for one in found.calibration_before
    ]
    assert found.overall["calibration_error_before"] == pytest.approx(sum(gaps) / len(LABELS))
    assert found.calibration_before != found.calibration


def test_without_a_temperature_there_is_no_calibration_before(tmp_path: Path) -> None:
    scores = {"svm": scores_for(LABELS, len(GENRES), seed=1)}
    examples = write_examples(str(tmp_path / "examples"), "test", GENRES, LABELS, scores)
    candidate = model_artifact(tmp_path, "svm", len(GENRES))
    evaluation, _ = run_evaluator(tmp_path, Executor, ANYTHING, examples=examples, model=candidate)
    found = read_evaluation(evaluation.uri, "", GENRES)
    assert found.calibration_before == []
    assert "calibration_error_before" not in found.overall
