"""Stand-ins: SavedModels whose scores are written into the Examples, and clips as WAV files."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import tensorflow as tf
from numpy.typing import NDArray
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils, proto_utils

from evaluation.config import GateConfig
from evaluation.gate import gate_config
from features import example_keys
from models.saved_model import duration_class
from models.training import fit_record
from models.training.fit_record import FitRecord
from pipeline import beam_args

Scores = Mapping[str, NDArray[np.float64]]


def model_artifact(
    folder: Path, key: str, n_classes: int, artifact_id: int = 1, **fit: Any
) -> standard_artifacts.Model:
    """Return a Model artifact as a Trainer leaves it: SavedModel and record of the training.

    Args:
        folder: where to write.
        key: of the model, and of the feature that holds its scores.
        n_classes: classes that it knows.
        artifact_id: as in the metadata store.
        **fit: fields of the FitRecord; there is no SavedModel beside one of a failure.
    """
    model = standard_artifacts.Model()
    model.uri, model.id = str(folder / key), artifact_id
    path = path_utils.serving_model_dir(model.uri)
    record = FitRecord(key, **fit)
    if record.status == fit_record.TRAINED:
        _save_model(path, key, n_classes)
    fit_record.write(path, record)
    return model


def _save_model(path: str, key: str, n_classes: int) -> None:
    """Write a SavedModel with the signatures of ours, whose scores are a feature of the Example.

    It labels a class beyond its own -1, as ours do a genre outside of their vocabulary.
    """

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {key: tf.io.FixedLenFeature([n_classes], tf.float32)}
        return {"scores": tf.io.parse_example(examples, spec)[key]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluation_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {
            "index": tf.io.FixedLenFeature([], tf.int64),
            example_keys.DURATION_SECONDS: tf.io.FixedLenFeature(
                [], tf.float32, default_value=-1.0
            ),
        }
        parsed = tf.io.parse_example(examples, spec)
        return {
            example_keys.LABEL: tf.where(parsed["index"] < n_classes, parsed["index"], -1),
            example_keys.DURATION_CLASS: duration_class(parsed[example_keys.DURATION_SECONDS]),
        }

    signatures = {"serving_default": serving_default, "evaluation_features": evaluation_features}
    tf.saved_model.save(tf.Module(), path, signatures=signatures)


def write_examples(
    uri: str,
    split: str,
    genres: Sequence[str],
    labels: Sequence[int],
    scores: Scores,
    metadata: Mapping[str, Sequence[Any]] | None = None,
    shards: Sequence[Sequence[int]] | None = None,
) -> standard_artifacts.Examples:
    """Return Examples that hold a genre, its class id and the scores of each model.

    Args:
        uri: where to write.
        split: the only one.
        genres: names, by class id.
        labels: class ids of the clips.
        scores: of each model, [clips, classes].
        metadata: further features, int, float or str, a value a clip.
        shards: which clips go to which file, in which order; by default all to one.
    """
    folder = Path(uri, f"Split-{split}")
    folder.mkdir(parents=True)
    shards = shards or [range(len(labels))]
    for number, places in enumerate(shards):
        name = f"data_tfrecord-{number:05d}-of-{len(shards):05d}.gz"
        with tf.io.TFRecordWriter(str(folder / name), "GZIP") as writer:
            for place in places:
                example = tf.train.Example()
                feature = example.features.feature
                feature[example_keys.GENRE].bytes_list.value.append(genres[labels[place]].encode())
                feature["index"].int64_list.value.append(labels[place])
                for key, values in scores.items():
                    feature[key].float_list.value.extend(values[place])
                for key, column in (metadata or {}).items():
                    value = column[place]
                    if isinstance(value, str):
                        feature[key].bytes_list.value.append(value.encode())
                    elif isinstance(value, float):
                        feature[key].float_list.value.append(value)
                    else:
                        feature[key].int64_list.value.append(value)
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


def beam_context(folder: Path) -> base_beam_executor.BaseBeamExecutor.Context:
    """Return what a Beam executor is given: Beam in memory, temporary files in a folder."""
    flags, _ = beam_args.BeamConfig(workers=1).flags(1)
    return base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(flags), tmp_dir=str(folder / "tmp"), unique_id="1"
    )


def run_evaluator(
    folder: Path,
    executor: type[base_beam_executor.BaseBeamExecutor],
    gate: GateConfig,
    **inputs: Artifact,
) -> tuple[standard_artifacts.ModelEvaluation, standard_artifacts.ModelBlessing]:
    """Run an Evaluator's executor as TFX does on `test`; return its evaluation and blessing."""
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
    executor(beam_context(folder)).Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(gate_config(gate)),
            "example_splits": json.dumps(["test"]),
            "fairness_indicator_thresholds": "null",
        },
    )
    return evaluation, blessing


def wav_of(raw: bytes, rate_hz: int = 22_050) -> bytes:
    """Return the audio of a raw Example as a WAV file."""
    example = tf.train.Example.FromString(raw)
    (pcm16,) = example.features.feature[example_keys.AUDIO].bytes_list.value
    return wav_of_samples(np.frombuffer(pcm16, "<i2"), rate_hz)


def wav_of_samples(
    samples: NDArray[Any], rate_hz: int = 22_050, *, subtype: str = "PCM_16", form: str = "WAV"
) -> bytes:
    """Return [samples] or [samples, channels] as a WAV file that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()
