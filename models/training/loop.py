"""Fitting in stages that can be killed at any moment and end with the best weights."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from absl import logging

from common import progress
from models.training.devices import PLAIN, Execution
from models.training.padded_batches import LabelledAccuracy

MONITOR = "val_loss"
_STEPS_PER_WARM_STEP = 20
_STATE = "state.json"
_LATEST = "latest.weights.h5"
_BEST = "best.weights.h5"


@dataclasses.dataclass(frozen=True)
class Stage:
    """One `fit`.

    Attributes:
        name: what it is called.
        epochs: how long at most.
        learning_rate: the highest of its steps.
        prepare: what is done to the model before it, such as making layers trainable.
        trunk: the layer up to which the model stays as it is and without randomness. What comes out
            of it is computed once, and the stage fits only what is behind it; None: all of it.
        stop_after: the epoch that ends it, where that is known before: nothing is compared then,
            and its last weights are its best.
    """

    name: str
    epochs: int
    learning_rate: float
    prepare: Callable[[keras.Model], None] = lambda model: None
    trunk: str | None = None
    stop_after: int | None = None

    @property
    def most_epochs(self) -> int:
        """How many epochs are fitted if nothing stops it early."""
        return self.stop_after or self.epochs


class Batches(NamedTuple):
    """What a stage is fitted on, and what it is compared on, if at all.

    Both are of (inputs, targets, weights).
    """

    training: tf.data.Dataset
    validation: tf.data.Dataset | None


def fit_stages(
    model: keras.Model,
    stages: Sequence[Stage],
    *,
    data: Callable[[Stage, keras.Model | None, int], Batches],
    steps_per_epoch: int,
    strategy: tf.distribute.Strategy,
    patience: int,
    checkpoint_dir: str,
    log_dir: str,
    execution: Execution = PLAIN,
) -> list[dict[str, Any]]:
    """Fits the stages one after the other; the model ends with the best weights of all of them.

    The learning rate of a stage rises for its first steps and then falls along a cosine. A stage
    stops when the validation loss has not fallen for `patience` epochs. Everything that a later
    process needs to go on is in `checkpoint_dir`.

    Args:
        model: gives logits; its weights change.
        stages: what to fit.
        data: an epoch of a stage, from its trunk, if it has one, and how many epochs are done.
        steps_per_epoch: training batches in an epoch.
        strategy: where the model lives.
        patience: epochs without improvement.
        checkpoint_dir: belongs to this very training: same data, same configuration, same code.
        log_dir: TensorBoard's logs.
        execution: how steps are run.

    Returns:
        For each stage its name under `stage`, and under `epochs` the figures of every epoch.

    Raises:
        FloatingPointError: where no epoch of a stage has a loss that is a number, or the last epoch
            of a stage whose end is known has none.
    """
    curves: list[dict[str, Any]] = []
    best_loss, best_weights = math.inf, model.get_weights()
    progress.start(sum(stage.most_epochs for stage in stages))
    for stage in stages:
        with strategy.scope():
            stage.prepare(model)
            trunk, fitted = split_at(model, stage.trunk)
            rates = warm_cosine(stage.learning_rate, stage.epochs * steps_per_epoch)
            fitted.compile(
                optimizer=keras.optimizers.Adam(rates),
                loss=keras.losses.CategoricalCrossentropy(from_logits=True),
                metrics=[LabelledAccuracy(name="accuracy")],
                steps_per_execution=execution.steps_per_execution,
                jit_compile=execution.jit_compile,
            )
            fitted.optimizer.build(fitted.trainable_variables)
        checkpoint = _Checkpoint(fitted, os.path.join(checkpoint_dir, stage.name), patience)
        checkpoint.restore()
        if not checkpoint.is_done(stage.most_epochs):
            batches = data(stage, trunk, checkpoint.state.epochs_done)
            fitted.fit(
                batches.training,
                validation_data=batches.validation,
                initial_epoch=checkpoint.state.epochs_done,
                epochs=stage.most_epochs,
                # The data sets shuffle themselves.
                shuffle=False,
                verbose=0,
                callbacks=[
                    keras.callbacks.TensorBoard(
                        os.path.join(log_dir, stage.name), write_graph=False
                    ),
                    checkpoint,
                ],
            )
        if not math.isfinite(checkpoint.state.best):
            tf.io.gfile.rmtree(checkpoint_dir)  # or the next try would go on from it
            raise FloatingPointError(f"the loss of {stage.name} is not a number")
        checkpoint.load_best()
        if stage.stop_after or checkpoint.state.best < best_loss:
            best_loss, best_weights = checkpoint.state.best, model.get_weights()
        curves.append({"stage": stage.name, "epochs": checkpoint.state.history})
    model.set_weights(best_weights)
    return curves


def split_at(model: keras.Model, layer: str | None) -> tuple[keras.Model | None, keras.Model]:
    """Returns a model up to a layer, included, and what is behind it; both share its weights.

    Without a layer there is no first part, and the second is the model itself.
    """
    if layer is None:
        return None, model
    between = model.get_layer(layer).output
    return keras.Model(model.input, between), keras.Model(between, model.output)


def warm_cosine(
    learning_rate: float, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns rates that rise to `learning_rate` and fall to 0 within `steps` steps.

    The rise is a straight line over a twentieth of the steps (Goyal et al., 2017), the fall half a
    cosine (Loshchilov and Hutter, ICLR 2017). Below 20 steps there is no rise.
    """
    warm = steps // _STEPS_PER_WARM_STEP
    if not warm:
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / warm, steps - warm, warmup_target=learning_rate, warmup_steps=warm
    )


@dataclasses.dataclass
class _State:
    """How far a stage has come; `history` holds the figures of every epoch that is done."""

    epochs_done: int = 0
    best: float = math.inf
    epochs_since_best: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


class _Checkpoint(keras.callbacks.Callback):
    """Saves after every epoch and stops early; a process killed at any point loses one epoch.

    Each epoch has a folder of its own with the latest weights (and the optimizer's state), the best
    ones and, written last and by a rename, the state that makes it count. Keras' callbacks
    (BackupAndRestore, ModelCheckpoint, EarlyStopping) overwrite their files in place one after the
    other, and what a kill leaves between two of them cannot be read or does not fit together.
    """

    def __init__(self, model: keras.Model, directory: str, patience: int):
        super().__init__()
        self._trained = model
        self._directory = directory
        self._patience = patience
        self.state = _State()

    def restore(self) -> None:
        """Takes up the last epoch that is wholly there, if there is one."""
        done = [
            int(name) for name in self._epochs() if tf.io.gfile.exists(self._path(name, _STATE))
        ]
        if done:
            with tf.io.gfile.GFile(self._path(max(done), _STATE)) as file:
                self.state = _State(**json.load(file))
            self._trained.load_weights(self._path(max(done), _LATEST))
            logging.info("Going on after epoch %d of %s", max(done), self._directory)

    def is_done(self, epochs: int) -> bool:
        """Returns whether nothing is left to fit."""
        stopped = self.state.epochs_since_best >= self._patience
        return stopped or self.state.epochs_done >= epochs

    def load_best(self) -> None:
        """Loads the best weights."""
        self._trained.load_weights(self._path(self.state.epochs_done, _BEST))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        figures = {name: float(value) for name, value in (logs or {}).items()}
        state, before = self.state, self.state.epochs_done
        compared = MONITOR in figures
        loss = figures[MONITOR if compared else "loss"]
        improved = not compared or loss < state.best or not state.history
        state.history.append(figures)
        state.epochs_done = epoch + 1
        state.best = min(state.best, loss) if compared else loss
        state.epochs_since_best = 0 if improved else state.epochs_since_best + 1
        self._save(before, improved)
        self._trained.stop_training = state.epochs_since_best >= self._patience
        progress.advance()

    def _save(self, before: int, improved: bool) -> None:
        now = self.state.epochs_done
        tf.io.gfile.makedirs(self._path(now))
        self._trained.save_weights(self._path(now, _LATEST))
        best_so_far = self._path(now, _LATEST) if improved else self._path(before, _BEST)
        tf.io.gfile.copy(best_so_far, self._path(now, _BEST), overwrite=True)
        aside = self._path(now, f"{_STATE}.tmp")
        with tf.io.gfile.GFile(aside, "w") as file:
            json.dump(dataclasses.asdict(self.state), file)
        tf.io.gfile.rename(aside, self._path(now, _STATE), overwrite=True)
        for name in self._epochs():
            if int(name) != now:
                tf.io.gfile.rmtree(self._path(name))

    def _epochs(self) -> list[str]:
        if not tf.io.gfile.exists(self._directory):
            return []
        return [name.rstrip("/") for name in tf.io.gfile.listdir(self._directory)]

    def _path(self, epoch: int | str, *name: str) -> str:
        return os.path.join(self._directory, str(epoch), *name)
