"""Trainer's `run_fn`: trains the model that `custom_config` names and exports it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
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
from models import saved_model
from models.config import TrainConfig
from models.spec import TrainedModel, TrainingContext, load
from models.training import fit_record, input_fn
from models.training.fit_record import FitRecord

_CHECKED = 4  # clips
_JOB = "ai_platform_"  # what TFX has all keys of `custom_config` begin with that describe a job


def run_fn(fn_args: Any) -> None:
    """Trains and exports one model; where that fails, leaves a record of why instead.

    A candidate that fails does not stop the others: `CandidateRanker` lists it as failed.

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
            fileio.rmtree(fn_args.serving_model_dir)  # half a model, perhaps
        record = FitRecord(name, fit_record.FAILED, reason=in_a_line(error))
    fit_record.write(fn_args.serving_model_dir, record)
    checkpoint_dir = _checkpoint_dir(fn_args)
    if record.status == fit_record.TRAINED and fileio.exists(checkpoint_dir):
        fileio.rmtree(checkpoint_dir)


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
    _check_scores(trained, context)
    saved_model.export(
        fn_args.serving_model_dir,
        scorer=trained.scorer,
        feature=trained.feature,
        servable=trained.servable,
        transform_output=transform_output,
        config=context.audio,
    )
    vocabulary = transform_output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    return _record(name, trained, [genre.decode() for genre in vocabulary], seconds)


def _check_feature(feature: str, transform_output: tft.TFTransformOutput) -> None:
    """Raises InputError where Transform could not compute what a model reads."""
    if feature not in transform_output.transformed_feature_spec():
        why = musicnn_weights.MISSING if feature == example_keys.MUSICNN else "Transform lacks it"
        raise InputError(f"there is no feature {feature}: {why}")


def _check_scores(trained: TrainedModel, context: TrainingContext) -> None:
    """Raises FloatingPointError where scores are not finite, on which TFMA fails for all models."""
    packed = [
        clip for clip, _ in input_fn.clips(context.eval_files, trained.feature).take(_CHECKED)
    ]
    scores = trained.scorer.clip_scores(tf.stack(packed))
    if not np.isfinite(scores).all():
        raise FloatingPointError("its scores are not finite")


def _record(name: str, trained: TrainedModel, genres: Sequence[str], seconds: float) -> FitRecord:
    return FitRecord(
        name,
        feature=trained.feature,
        genres=genres,
        servable=trained.servable,
        parameters=trained.n_parameters,
        training_seconds=round(seconds, 1),
        hyperparameters=dict(trained.hyperparameters),
        curves=list(trained.curves),
    )


def _tuned(fn_args: Any) -> dict[str, Any]:
    """Returns what a Tuner found, by name; nothing where there was no Tuner."""
    return dict((fn_args.hyperparameters or {}).get("values", {}))


def _checkpoint_dir(fn_args: Any) -> str:
    """Returns a folder for this very training: same model, configuration, code and data.

    On which machine is no part of it: a larger one goes on where another ran out of memory.
    """
    custom = fn_args.custom_config
    settings = {key: value for key, value in custom.items() if not key.startswith(_JOB)}
    inputs = [settings, fn_args.transform_output, fn_args.train_files, _tuned(fn_args)]
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    return os.path.join(custom["checkpoint_dir"], f"{custom['model']}-{digest}")
