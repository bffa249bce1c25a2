"""The ranker's real executor, on tiny models whose scores are known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from common.config import to_json
from common.errors import InputError
from components.candidate_ranker import executor
from components.candidate_ranker.contender import bar
from dataset.config import AudioConfig
from evaluation.config import ContestConfig
from features import example_keys
from models.training import fit_record
from models.training.fit_record import FitRecord
from tests.stand_ins import beam_context, model_artifact, scores_for, write_examples

GENRES = ("Pop", "Rock", "Folk")
LABELS = [0, 0, 1, 1, 2, 2]
ARTISTS = {
    example_keys.ARTIST_ID: [1, 2, 3, 4, 5, 6],
    example_keys.TRACK_ID: [21, 22, 23, 24, 25, 26],
}
# Macro-F1 of .44 and .66, and figures that no two clips change together.
PREDICTIONS = {"cnn1d": [0, 0, 1, 0, 0, 0], "mobilenet_v2": [0, 1, 1, 1, 2, 0]}
CONTEST = ContestConfig()
FAILED = {"status": fit_record.FAILED, "reason": "the weights could not be downloaded"}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the ranker left behind."""

    board: dict[str, Any]
    fits: dict[str, Any]
    best: standard_artifacts.Model

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in self.board["models"]}


def rank(
    folder: Path,
    predictions: Mapping[str, Sequence[int]],
    fits: Mapping[str, Mapping[str, Any]],
    *,
    contest: ContestConfig = CONTEST,
    metadata: Mapping[str, Sequence[int]] = ARTISTS,
    shards: Sequence[Sequence[int]] | None = None,
) -> Outcome:
    """Run the executor on the eval split.

    Args:
        folder: an empty folder.
        predictions: of each candidate; it need not have trained.
        fits: fields of its FitRecord.
        contest: how the best one is chosen.
        metadata: features of the clips.
        shards: which clips go to which file.
    """
    scores = {name: scores_for(wanted, 3, seed=0) for name, wanted in predictions.items()}
    examples = write_examples(
        str(folder / "examples"), "eval", GENRES, LABELS, scores, metadata, shards
    )
    transform_graph = standard_artifacts.TransformGraph()
    transform_graph.uri = str(folder / "transform_graph")
    inputs: dict[str, list[object]] = {
        executor.EXAMPLES: [examples],
        executor.TRANSFORM_GRAPH: [transform_graph],
    }
    for name in predictions:
        model = model_artifact(folder, name, 3, **{"genres": GENRES, **fits.get(name, {})})
        inputs[executor.candidate_key(name)] = [model]
    best, board = standard_artifacts.Model(), standard_artifacts.ModelRun()
    evaluation = standard_artifacts.ModelEvaluation()
    best.uri, board.uri = str(folder / "best"), str(folder / "board")
    evaluation.uri = str(folder / "evaluation")
    Path(board.uri).mkdir()
    outputs = {
        executor.BEST_MODEL: [best],
        executor.EVALUATION: [evaluation],
        executor.LEADERBOARD: [board],
    }
    properties = {executor.CONTEST: to_json(contest), executor.AUDIO: to_json(AudioConfig())}
    executor.Executor(beam_context(folder)).Do(inputs, outputs, properties)
    return Outcome(
        json.loads(Path(board.uri, executor.LEADERBOARD_NAME).read_text()),
        json.loads(Path(board.uri, executor.FITS_NAME).read_text()),
        best,
    )


def named(model: standard_artifacts.Model) -> FitRecord:
    """Return the record that travelled with the best model."""
    return fit_record.read(path_utils.serving_model_path(model.uri))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return the ranking of two candidates that trained."""
    fits = {
        "cnn1d": {"parameters": 10, "training_seconds": 3.5, "feature": "windows"},
        "mobilenet_v2": {"parameters": 90_000, "hyperparameters": {"batch_size": 4}},
    }
    return rank(tmp_path_factory.mktemp("two"), PREDICTIONS, fits)


def test_every_candidate_has_its_figures(two: Outcome) -> None:
    for name, predictions in PREDICTIONS.items():
        entry = two.entries[name]
        assert (entry["status"], entry["reason"]) == ("trained", None)
        figures = entry["eval"]
        assert figures["macro_f1"] == pytest.approx(f1_score(LABELS, predictions, average="macro"))
        assert figures["accuracy"] == pytest.approx(np.mean(np.equal(LABELS, predictions)))
        assert figures["clips"] == 6
        for key in ("accuracy", "macro_f1"):
            low, high = figures[f"{key}_interval"]
            assert low <= figures[key] <= high
        f1 = f1_score(LABELS, predictions, average=None)
        assert figures["per_genre"] == pytest.approx(dict(zip(GENRES, f1, strict=True)))
        assert {"top_3_accuracy", "log_loss", "calibration_error"} < set(figures)
        assert entry["prediction_ms"] > 0
        assert entry["servable"] is True


def test_what_is_known_of_the_trainings_is_copied(two: Outcome) -> None:
    first = two.entries["cnn1d"]
    assert (first["parameters"], first["training_seconds"]) == (10, 3.5)
    assert (first["feature"], first["hyperparameters"]) == ("windows", {})
    assert two.entries["mobilenet_v2"]["hyperparameters"] == {"batch_size": 4}
    assert list(two.fits) == ["cnn1d", "mobilenet_v2"]
    assert two.fits["cnn1d"] == dataclasses.asdict(
        FitRecord("cnn1d", parameters=10, training_seconds=3.5, feature="windows")
    ) | {"genres": list(GENRES), "curves": []}


def test_the_best_model_is_handed_on_whole(two: Outcome) -> None:
    # Of six clips nobody can tell the two apart, so the smaller one is the best.
    assert [entry["name"] for entry in two.board["models"]] == ["cnn1d", "mobilenet_v2"]
    assert (two.board["best"], two.board["leader"]) == ("cnn1d", "cnn1d")
    assert "tied with mobilenet_v2" in two.board["why_best"]
    assert {entry["tied"] for entry in two.board["models"]} == {True}
    assert two.best.get_string_custom_property("model_name") == "cnn1d"
    assert two.best.get_int_custom_property("servable") == 1
    assert not two.best.has_custom_property("withheld")
    serving = path_utils.serving_model_path(two.best.uri)
    assert named(two.best).name == "cnn1d"
    signatures = set(tf.saved_model.load(serving).signatures)
    assert signatures == {"serving_default", "evaluation_features"}


def test_clips_of_one_artist_leave_all_tied(tmp_path: Path) -> None:
    predictions = {"cnn1d": [0] * 6, "mobilenet_v2": LABELS}
    fits = {"cnn1d": {"parameters": 10}, "mobilenet_v2": {"parameters": 90_000}}
    of_one = {**ARTISTS, example_keys.ARTIST_ID: [1] * 6}
    found = rank(tmp_path, predictions, fits, metadata=of_one)
    # Its log-loss is lower: it is right about every clip.
    assert found.board["best"] == "mobilenet_v2"
    assert {entry["tied"] for entry in found.board["models"]} == {True}
    assert "too few artists" in found.board["why_best"]


def test_a_second_run_in_another_order_gives_the_same_leaderboard(
    two: Outcome, tmp_path: Path
) -> None:
    fits = {"cnn1d": two.fits["cnn1d"], "mobilenet_v2": two.fits["mobilenet_v2"]}
    fits = {name: {k: v for k, v in fit.items() if k != "name"} for name, fit in fits.items()}
    predictions = dict(reversed(PREDICTIONS.items()))
    again = rank(tmp_path, predictions, fits, shards=[[5, 2], [0, 4, 1, 3]])

    def without_times(board: dict[str, Any]) -> dict[str, Any]:
        models = [{**entry, "prediction_ms": None} for entry in board["models"]]
        return {**board, "models": models}

    assert without_times(again.board) == without_times(two.board)
    assert again.fits == two.fits


def test_a_failed_candidate_is_listed_last_and_the_others_go_on(tmp_path: Path) -> None:
    fits = {"cnn1d": FAILED, "mobilenet_v2": {"servable": False}}
    found = rank(tmp_path, PREDICTIONS, fits)
    assert [entry["name"] for entry in found.board["models"]] == ["mobilenet_v2", "cnn1d"]
    failed = found.entries["cnn1d"]
    assert (failed["status"], failed["reason"]) == ("failed", FAILED["reason"])
    assert (failed["eval"], failed["prediction_ms"], failed["tied"]) == (None, None, False)
    # What is left needs more than audio: it is judged, and its artifact says why it is not pushed.
    assert found.board["best"] == "mobilenet_v2"
    assert found.best.get_int_custom_property("servable") == 0
    assert "--push-unservable" in found.best.get_string_custom_property("withheld")
    assert set(found.fits) == {"cnn1d", "mobilenet_v2"}


def test_where_all_failed_every_reason_is_named(tmp_path: Path) -> None:
    fits = {"cnn1d": {**FAILED, "reason": "too few clips"}, "mobilenet_v2": FAILED}
    with pytest.raises(InputError, match=f"cnn1d: too few clips; mobilenet_v2: {FAILED['reason']}"):
        rank(tmp_path, PREDICTIONS, fits)


@pytest.mark.e2e
@pytest.mark.parametrize(("push_unservable", "best"), [(False, "cnn1d"), (True, "mobilenet_v2")])
def test_an_unservable_leader_is_the_best_only_if_asked_for(
    tmp_path: Path, push_unservable: bool, best: str
) -> None:
    predictions = {"cnn1d": [0] * 6, "mobilenet_v2": LABELS}
    fits = {"mobilenet_v2": {"servable": False}}
    found = rank(
        tmp_path, predictions, fits, contest=ContestConfig(push_unservable=push_unservable)
    )
    assert (found.board["leader"], found.board["best"]) == ("mobilenet_v2", best)
    assert found.entries["mobilenet_v2"]["servable"] is False
    assert not found.best.has_custom_property("withheld")
    assert named(found.best).name == best


@pytest.mark.parametrize(
    ("contest", "reason"),
    [
        (ContestConfig(max_parameters=50), "has 90,000 parameters (--max-parameters is 50)"),
        (ContestConfig(max_prediction_ms=0.5), "takes 7.5 ms for a clip"),
        (ContestConfig(), "needs more than audio"),
    ],
)
def test_what_must_not_be_the_best_says_why(contest: ContestConfig, reason: str) -> None:
    fit = FitRecord("svm", parameters=90_000, servable="audio" not in reason)
    found = bar(fit, 7.5, contest)
    assert found is not None
    assert reason in found
    generous = ContestConfig(push_unservable=True, max_parameters=90_000, max_prediction_ms=7.5)
    assert bar(fit, 7.5, generous) is None
