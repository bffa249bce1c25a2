"""The ranker's real executor, on tiny models whose scores are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import f1_score
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.candidate_ranker import executor
from tests.stand_ins import beam_context, save_model, scores_for, write_examples

GENRES = ("Pop", "Rock", "Folk")
LABELS = [0, 0, 1, 1, 2, 2]
PREDICTIONS = {"cnn1d": [0, 0, 1, 0, 0, 0], "mobilenet_v2": [0, 1, 1, 1, 2, 0]}


def rank(
    folder: Path, predictions: Mapping[str, list[int]]
) -> tuple[dict, standard_artifacts.Model]:
    """Run the executor on the eval split; return the leaderboard and the best model's artifact."""
    scores = {name: scores_for(wanted, 3, seed=0) for name, wanted in predictions.items()}
    examples = write_examples(str(folder / "examples"), "eval", GENRES, LABELS, scores)
    inputs: dict[str, list[object]] = {executor.EXAMPLES: [examples]}
    for name in predictions:
        model = standard_artifacts.Model()
        model.uri = str(folder / name)
        save_model(path_utils.serving_model_dir(model.uri), name, 3)
        Path(path_utils.serving_model_dir(model.uri), "assets.extra").mkdir()
        Path(path_utils.serving_model_dir(model.uri), "assets.extra", "name").write_text(name)
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
    executor.Executor(beam_context(folder)).Do(inputs, outputs, {})
    return json.loads(Path(board.uri, executor.LEADERBOARD_NAME).read_text()), best


@pytest.mark.parametrize(
    "names", [["cnn1d", "mobilenet_v2"], pytest.param(["cnn1d"], marks=pytest.mark.e2e)]
)
def test_the_highest_macro_f1_on_eval_is_best(tmp_path: Path, names: list[str]) -> None:
    board, best = rank(tmp_path, {name: PREDICTIONS[name] for name in names})
    expected = names[-1]
    assert board["best"] == expected
    assert [entry["name"] for entry in board["models"]] == names[::-1]
    for entry in board["models"]:
        predictions = PREDICTIONS[entry["name"]]
        macro_f1 = f1_score(LABELS, predictions, average="macro")
        assert entry["status"] == "trained"
        assert entry["eval"]["macro_f1"] == pytest.approx(macro_f1)
        assert entry["eval"]["accuracy"] == pytest.approx(np.mean(np.equal(LABELS, predictions)))
        assert entry["eval"]["clips"] == 6
    assert best.get_string_custom_property("model_name") == expected
    serving = Path(path_utils.serving_model_path(best.uri))
    assert (serving / "assets.extra" / "name").read_text() == expected
    assert set(tf.saved_model.load(str(serving)).signatures) == {
        "serving_default", "transform_features",
    }  # fmt: skip
