"""The ranker's real executor, on tiny models whose scores are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.candidate_ranker import executor
from models import features

Scores = Mapping[str, NDArray[np.float64]]

GENRES = ("Pop", "Rock", "Folk")
LABELS = [0, 0, 1, 1, 2, 2]
PREDICTIONS = {"cnn1d": [0, 0, 1, 0, 0, 0], "mobilenet_v2": [0, 1, 1, 1, 2, 0]}


def save_model(path: str, key: str, n_classes: int) -> None:
    """Write a SavedModel with the signatures of ours, whose scores are a feature of the Example."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {key: tf.io.FixedLenFeature([n_classes], tf.float32)}
        return {"scores": tf.io.parse_example(examples, spec)[key]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"index": tf.io.FixedLenFeature([], tf.int64)}
        return {features.LABEL: tf.io.parse_example(examples, spec)["index"]}

    signatures = {"serving_default": serving_default, "transform_features": transform_features}
    tf.saved_model.save(tf.Module(), path, signatures=signatures)


def write_examples(
    uri: str, split: str, genres: Sequence[str], labels: Sequence[int], scores: Scores
) -> standard_artifacts.Examples:
    """Return Examples that hold a genre, its class id and the scores of each model."""
    folder = Path(uri, f"Split-{split}")
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for place, label in enumerate(labels):
            example = tf.train.Example()
            feature = example.features.feature
            feature[features.GENRE].bytes_list.value.append(genres[label].encode())
            feature["index"].int64_list.value.append(label)
            for key, values in scores.items():
                feature[key].float_list.value.extend(values[place])
            writer.write(example.SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = uri, json.dumps([split])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    return examples


def scores_for(predictions: Sequence[int], n_classes: int, seed: int) -> NDArray[np.float64]:
    """Return random scores [clips, classes] of which the highest are at `predictions`."""
    scores = np.random.default_rng(seed).dirichlet(np.ones(n_classes), len(predictions))
    rows = np.arange(len(predictions))
    highest = scores.argmax(axis=1)
    swapped = scores[rows, predictions].copy()
    scores[rows, predictions] = scores.max(axis=1)
    scores[rows[highest != predictions], highest[highest != predictions]] = swapped[
        highest != predictions
    ]
    return scores


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
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--runner=DirectRunner"], tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    outputs = {
        executor.BEST_MODEL: [best],
        executor.EVALUATION: [evaluation],
        executor.LEADERBOARD: [board],
    }
    executor.Executor(context).Do(inputs, outputs, {})
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
