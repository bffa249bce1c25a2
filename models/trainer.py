"""Trainer's `run_fn`: trains the model that `custom_config` names and exports it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import json
import os
from typing import Any, cast

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.dsl.io import fileio

from models import features, input_fn, signatures
from models.devices import training_strategy
from models.family import Family
from models.fitting import fit_stages
from pipeline.config import AudioConfig, TrainConfig, from_json

# A model is a module here and a name in `pipeline.config.MODEL_NAMES`.
FAMILIES = {"cnn1d": "models.cnn1d", "mobilenet_v2": "models.mobilenet"}


def run_fn(fn_args: Any) -> None:
    """Trains and exports one model.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `model`, a name, `audio` and `train`, the
            configurations, and `checkpoint_dir`, below which an interrupted training goes on.
    """
    custom = fn_args.custom_config
    audio = from_json(AudioConfig, custom["audio"])
    train = from_json(TrainConfig, custom["train"])
    family = cast(Family, importlib.import_module(FAMILIES[custom["model"]]))
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    n_classes = transform_output.vocabulary_size_by_name(features.GENRE_VOCABULARY)

    keras.backend.clear_session()
    keras.utils.set_random_seed(train.seed)
    tf.config.experimental.enable_op_determinism()
    strategy = training_strategy()
    expand = functools.partial(family.expand, audio=audio)
    batch_size = (train.batch_size or family.DEFAULT_BATCH_SIZE) * strategy.num_replicas_in_sync
    checkpoint_dir = _checkpoint_dir(fn_args)
    with strategy.scope():
        model = family.build_model(n_classes, audio, train)
    fit_stages(
        model,
        family.stages(model, train),
        training=input_fn.training_batches(
            fn_args.train_files,
            family.FEATURE,
            expand,
            batch_size=batch_size,
            seed=train.seed,
            drop_remainder=isinstance(strategy, tf.distribute.TPUStrategy),
        ),
        validation=input_fn.evaluation_batches(
            fn_args.eval_files, family.FEATURE, expand, batch_size=batch_size
        ),
        strategy=strategy,
        patience=train.patience,
        checkpoint_dir=checkpoint_dir,
        log_dir=fn_args.model_run_dir,
    )
    # A copy made here, outside of the strategy and never compiled, is what a CPU can serve and
    # what leaves the optimizer's state behind.
    servable = family.build_model(
        n_classes, audio, dataclasses.replace(train, mobilenet_weights="none")
    )
    servable.set_weights(model.get_weights())
    signatures.export(
        fn_args.serving_model_dir,
        model=servable,
        clip_scores=lambda packed: family.clip_scores(servable, packed, audio),
        feature=family.FEATURE,
        transform_output=transform_output,
        config=audio,
    )
    fileio.rmtree(checkpoint_dir)


def _checkpoint_dir(fn_args: Any) -> str:
    """Returns a folder for this very training: same model, configuration, code and data."""
    inputs = [fn_args.custom_config, fn_args.transform_output, fn_args.train_files]
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    custom = fn_args.custom_config
    return os.path.join(custom["checkpoint_dir"], f"{custom['model']}-{digest}")
