"""Trainer's `run_fn`: trains the model that `custom_config` names and exports it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging
from tfx.dsl.io import fileio

from common.config import from_json
from common.errors import InputError, in_a_line, is_disk_full
from dataset.config import AudioConfig
from features import example_keys, musicnn_weights
from models import calibration, failure_notes, held_out, saved_model
from models.config import TrainConfig
from models.held_out import HeldOut
from models.spec import TrainedModel, TrainingContext, load, parts
from models.training import fit_record, input_fn
from models.training.fit_record import FitRecord

_SCORED_CLIPS = 32  # at once
_JOB = "ai_platform_"  # what TFX has all keys of `custom_config` begin with that describe a job


def run_fn(fn_args: Any) -> None:
    """Trains and exports one model; where that fails, leaves a record of why instead.

    A candidate that fails does not stop the others: `CandidateRanker` lists it as failed, and the
    next run tries it again.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `model`, a name, `module`, where it is,
            `audio` and `train`, the configurations, and `checkpoint_dir`, below which an
            interrupted training goes on.
    """
    name = fn_args.custom_config["model"]
    try:
        record = _train_and_export(fn_args)
    except Exception as error:
        if is_disk_full(error):
            raise
        logging.exception("%s failed to train", name)
        if fileio.exists(fn_args.serving_model_dir):
            fileio.rmtree(fn_args.serving_model_dir)
        reason = in_a_line(error)
        record = FitRecord(name, fit_record.FAILED, reason=reason)
        failure_notes.write(fn_args.custom_config["checkpoint_dir"], name, reason)
    fit_record.write(fn_args.serving_model_dir, record)
    folder = _checkpoint_dir(fn_args)
    if record.status == fit_record.TRAINED and fileio.exists(folder):
        fileio.rmtree(folder)


def _train_and_export(fn_args: Any) -> FitRecord:
    custom = fn_args.custom_config
    name = custom["model"]
    spec = load(custom["module"])
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    train = from_json(TrainConfig, custom["train"])
    _check_feature(spec.feature(train), transform_output)
    context = TrainingContext(
        name=name,
        n_classes=transform_output.vocabulary_size_by_name(example_keys.GENRE_VOCABULARY),
        train_files=fn_args.train_files,
        eval_files=fn_args.eval_files,
        audio=from_json(AudioConfig, custom["audio"]),
        train=train,
        checkpoint_dir=_checkpoint_dir(fn_args),
        log_dir=fn_args.model_run_dir,
        hyperparameters=_tuned(fn_args),
    )
    started = time.monotonic()
    trained = spec.train(context)
    seconds = time.monotonic() - started
    scored = _score(trained, context)
    temperature = calibration.fit_temperature(scored.labels, scored.scores)
    export_calibrated(
        fn_args.serving_model_dir, trained, temperature, transform_output, context.audio
    )
    calibrated = calibration.scaled(scored.scores, temperature).numpy()
    held_out.write(fn_args.serving_model_dir, dataclasses.replace(scored, scores=calibrated))
    vocabulary = transform_output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    genres = [genre.decode() for genre in vocabulary]
    return _record(name, trained, genres, seconds, temperature)


def export_calibrated(
    directory: str,
    trained: TrainedModel,
    temperature: float,
    transform_output: tft.TFTransformOutput,
    audio: AudioConfig,
) -> None:
    """Writes the SavedModel of a trained model with its scores at a temperature."""
    saved_model.export(
        directory,
        scorer=calibration.Calibrated(trained.scorer, temperature),
        feature=trained.feature,
        servable=trained.servable,
        transform_output=transform_output,
        config=audio,
    )


def _check_feature(feature: str, transform_output: tft.TFTransformOutput) -> None:
    """Raises InputError where Transform could not compute what a model reads."""
    for key in parts(feature):
        if key not in transform_output.transformed_feature_spec():
            why = musicnn_weights.MISSING if key == example_keys.MUSICNN else "Transform lacks it"
            raise InputError(f"there is no feature {key}: {why}")


def _score(trained: TrainedModel, context: TrainingContext) -> HeldOut:
    """Returns the scores of the labelled clips of `eval`, and of `train` those out of fold.

    Raises:
        FloatingPointError: where scores are not finite, on which TFMA fails for all models.
    """
    clip_scores = tf.function(trained.scorer.clip_scores, reduce_retracing=True)
    keys = (example_keys.TRACK_ID, example_keys.LABEL)
    clips = input_fn.records(context.eval_files, trained.feature, keys).batch(_SCORED_CLIPS)
    batches = [
        (tracks.numpy(), labels.numpy(), clip_scores(packed).numpy())
        for packed, tracks, labels in clips
    ]
    tracks, labels, scores = (np.concatenate(column) for column in zip(*batches, strict=True))
    if not np.isfinite(scores).all():
        raise FloatingPointError("its scores are not finite")
    kept = np.argsort(tracks, kind="stable")
    kept = kept[labels[kept] >= 0]
    return HeldOut(tracks[kept], labels[kept], scores[kept]).and_of(trained.out_of_fold)


def _record(
    name: str, trained: TrainedModel, genres: Sequence[str], seconds: float, temperature: float
) -> FitRecord:
    return FitRecord(
        name,
        feature=trained.feature,
        genres=genres,
        servable=trained.servable,
        parameters=trained.n_parameters,
        training_seconds=round(seconds, 1),
        hyperparameters={**trained.hyperparameters, "temperature": temperature},
        curves=list(trained.curves),
    )


def _tuned(fn_args: Any) -> dict[str, Any]:
    """Returns what a Tuner found, by name; nothing where there was no Tuner."""
    return dict((fn_args.hyperparameters or {}).get("values", {}))


def _checkpoint_dir(fn_args: Any) -> str:
    name = fn_args.custom_config["model"]
    inputs = (fn_args.transform_output, fn_args.train_files, _tuned(fn_args))
    return checkpoint_dir(fn_args.custom_config, name, *inputs)


def checkpoint_dir(custom: Mapping[str, Any], name: str, *inputs: Any) -> str:
    """Returns a folder for this very training: same model, configuration, code and data.

    On which machine, and after which failure, is no part of it: a larger one goes on where another
    ran out of memory.

    Args:
        custom: TFX's `custom_config`.
        name: of the model.
        *inputs: what else it depends on, as JSON values.
    """
    settings = {
        key: value
        for key, value in custom.items()
        if not key.startswith(_JOB) and key != failure_notes.RETRIED
    }
    text = json.dumps([settings, *inputs], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return os.path.join(custom["checkpoint_dir"], f"{name}-{digest}")
