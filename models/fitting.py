"""Fitting in stages that can be interrupted at any moment and end with the best weights."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence

import keras
import tensorflow as tf

from models.family import Stage
from pipeline import progress

MONITOR = "val_loss"


class _Progress(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch, logs
        progress.advance()


def fit_stages(
    model: keras.Model,
    stages: Sequence[Stage],
    *,
    training: tf.data.Dataset,
    validation: tf.data.Dataset,
    strategy: tf.distribute.Strategy,
    patience: int,
    checkpoint_dir: str,
    log_dir: str,
) -> None:
    """Fits the stages one after the other; the model ends with the best weights of the last.

    A stage stops when the validation loss has not fallen for `patience` epochs. Everything that a
    later process needs to go on is in `checkpoint_dir`: a backup of the running epoch, the best
    weights so far, the history, and the result of each stage that is done.

    Args:
        model: gives logits; its weights change.
        stages: what to fit.
        training: batches of (inputs, labels).
        validation: batches of (inputs, labels).
        strategy: where the model lives.
        patience: epochs without improvement.
        checkpoint_dir: belongs to this very training: same data, same configuration, same code.
        log_dir: TensorBoard's logs.
    """
    progress.start(sum(stage.epochs for stage in stages))
    for stage in stages:
        directory = os.path.join(checkpoint_dir, stage.name)
        result = os.path.join(directory, "result.weights.h5")
        if not tf.io.gfile.exists(result):
            tf.io.gfile.makedirs(directory)
            _fit_stage(model, stage, training, validation, strategy, patience, directory, log_dir)
            _save_weights(model, result)
        model.load_weights(result)


def _fit_stage(
    model: keras.Model,
    stage: Stage,
    training: tf.data.Dataset,
    validation: tf.data.Dataset,
    strategy: tf.distribute.Strategy,
    patience: int,
    directory: str,
    log_dir: str,
) -> None:
    best = os.path.join(directory, "best.weights.h5")
    history = os.path.join(directory, "history.csv")
    with strategy.scope():
        stage.prepare(model)
        model.compile(
            optimizer=keras.optimizers.Adam(stage.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
    model.fit(
        training,
        validation_data=validation,
        epochs=stage.epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(os.path.join(directory, "backup")),
            keras.callbacks.CSVLogger(history, append=True),
            keras.callbacks.ModelCheckpoint(
                best,
                monitor=MONITOR,
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold=_best_so_far(history),
            ),
            keras.callbacks.EarlyStopping(monitor=MONITOR, patience=patience),
            keras.callbacks.TensorBoard(os.path.join(log_dir, stage.name), write_graph=False),
            _Progress(),
        ],
    )
    model.load_weights(best)


def _best_so_far(history: str) -> float | None:
    """Returns the lowest monitored value of an interrupted training, None where there is none."""
    if not tf.io.gfile.exists(history):
        return None
    with tf.io.gfile.GFile(history) as file:
        values = [float(row[MONITOR]) for row in csv.DictReader(file)]
    return min(values, default=None)


def _save_weights(model: keras.Model, path: str) -> None:
    aside = path.replace(".weights.h5", ".part.weights.h5")
    model.save_weights(aside)
    tf.io.gfile.rename(aside, path, overwrite=True)
