"""What the Keras networks share: from a context to a trained scorer."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from common.errors import InputError
from dataset.config import AudioConfig
from models.config import TrainConfig
from models.spec import TrainedModel, TrainingContext, TrainingSize
from models.training import input_fn, padded_batches, targets
from models.training.clip_store import StoredClips
from models.training.devices import execution_on, training_strategy
from models.training.input_spec import InputSpec
from models.training.loop import MONITOR, Batches, Stage, fit_stages
from models.training.recipe import Epochs, Recipe, complete

# What every network reads of TrainConfig.
SETTINGS = (
    "epochs", "batch_size", "learning_rate", "patience",
    "dropout", "label_smoothing", "mixup", "augmentation",
)  # fmt: skip

# As parts of a step: a forward pass, for the backward pass takes about twice as long, and a step
# of what is behind a trunk (measured for mobilenet_v2: 0.23 s of 4.4 s an epoch of 96 clips).
_FORWARD, _BEHIND_TRUNK = 1 / 3, 1 / 20


@dataclasses.dataclass(frozen=True)
class Network:
    """One kind of network.

    Attributes:
        view: what it sees of a clip.
        epochs: how long it is trained where `TrainConfig.epochs` is None.
        defaults: the other values of its recipe, where TrainConfig leaves them open.
        space: what a Tuner may try for such values: a name to the values of it.
        build_model: the untrained network for so many classes; it gives logits.
        stages: the stages of its training, in order.
        seconds_per_input: of a step of training on the reference CPU; None: not measured.
        settings: fields of TrainConfig that it reads.
    """

    view: InputSpec
    epochs: Epochs
    defaults: Mapping[str, Any]
    space: Mapping[str, tuple[float, ...]]
    build_model: Callable[[int, AudioConfig, Recipe], keras.Model]
    stages: Callable[[Recipe], list[Stage]]
    seconds_per_input: float | None = None
    settings: tuple[str, ...] = SETTINGS

    def feature(self, train: TrainConfig) -> str:
        """Returns the transformed feature that it reads."""
        return self.view.feature

    def train(self, context: TrainingContext) -> TrainedModel:
        """Trains the network, the same one every time."""
        with _repeatable(context) as folder:
            return _train_in(folder, context, self)

    def refit(
        self,
        context: TrainingContext,
        hyperparameters: Mapping[str, Any],
        curves: Sequence[Mapping[str, Any]],
    ) -> TrainedModel:
        """Returns the network, trained on both splits up to its best epoch."""
        with _repeatable(context) as folder:
            return _refit_in(folder, context, self, hyperparameters["epochs"], curves)

    def training_seconds(self, train: TrainConfig, size: TrainingSize) -> float | None:
        """Returns how long all epochs take on the reference CPU; None where not measured."""
        if self.seconds_per_input is None:
            return None
        recipe = self.recipe(train, {}, size.train_clips)
        trained = size.train_clips * self.view.inputs_per_clip
        scored = size.eval_clips * self.view.segments_per_clip(size.audio)
        epoch = trained + _FORWARD * scored
        steps = 0.0
        for stage in (_shortened(stage, size.max_epochs) for stage in self.stages(recipe)):
            steps += stage.epochs * epoch * (_BEHIND_TRUNK if stage.trunk else 1.0)
            steps += _FORWARD * (trained + scored) if stage.trunk else 0.0
        return steps * self.seconds_per_input

    def recipe(self, train: TrainConfig, tuned: Mapping[str, Any], n_clips: int) -> Recipe:
        """Returns how it is trained on `n_clips` clips; see `models.training.recipe.complete`."""
        return complete(train, {**self.defaults, "epochs": self.epochs.of(n_clips)}, tuned)


def one_stage(recipe: Recipe) -> list[Stage]:
    """Returns the single stage of a network that is trained as a whole from the start."""
    return [Stage("train", recipe.epochs, recipe.learning_rate)]


class NetworkScorer(tf.Module):
    """A trained network and how a clip is scored with it."""

    def __init__(self, network: Network, model: keras.Model, audio: AudioConfig):
        super().__init__()
        self.model = model
        self._network = network
        self._audio = audio

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes] from packed features, string [batch]."""
        return self._network.view.clip_scores(self.model, packed, self._audio)


@contextlib.contextmanager
def _repeatable(context: TrainingContext) -> Iterator[str]:
    """Yields a folder for clips to a training that comes out the same every time."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(context.train.seed)
    tf.config.experimental.enable_op_determinism()
    with _clips_folder(context.checkpoint_dir) as folder:
        yield folder


@contextlib.contextmanager
def _clips_folder(checkpoint_dir: str) -> Iterator[str]:
    """Yields an empty folder for clips that are unpacked once; gigabytes for a large archive.

    Beside the checkpoints where these are on a disk, for `/tmp` may be memory. It is the same for
    all trainings, which run one after the other, so that the next one removes what a killed process
    has left there, whichever it was.
    """
    if "://" in checkpoint_dir:
        with tempfile.TemporaryDirectory(prefix="clips-") as folder:
            yield folder
        return
    folder = os.path.join(os.path.dirname(checkpoint_dir), "clips")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _train_in(folder: str, context: TrainingContext, network: Network) -> TrainedModel:
    """Returns the network with the weights of its best epoch."""
    source = _stored(os.path.join(folder, "train"), context, network, context.train_files)
    compared = input_fn.store(
        context.eval_files, network.view.feature, os.path.join(folder, "eval")
    )
    compared = compared.then(_segments(network, context.audio))
    for split, held in (("train", source), ("eval", compared)):
        if not len(held.keys):
            raise InputError(f"no clip of {split} has one of the genres that are learned")
    recipe = network.recipe(context.train, context.hyperparameters, len(source.labels))
    stages = [_shortened(stage, context.max_epochs) for stage in network.stages(recipe)]
    scorer, curves = _fit(context, network, recipe, stages, source, compared)
    return TrainedModel(
        scorer=scorer,
        feature=network.view.feature,
        n_parameters=scorer.model.count_params(),
        hyperparameters=_hyperparameters(recipe, stages, context.hyperparameters),
        curves=curves,
    )


def _refit_in(
    folder: str,
    context: TrainingContext,
    network: Network,
    epochs: int,
    curves: Sequence[Mapping[str, Any]],
) -> TrainedModel:
    both = [*context.train_files, *context.eval_files]
    source = _stored(os.path.join(folder, "both"), context, network, both)
    # What a network trains for by default depends on how many clips there are.
    train = dataclasses.replace(context.train, epochs=epochs)
    recipe = network.recipe(train, context.hyperparameters, len(source.labels))
    stages = up_to_best_epoch(network.stages(recipe), curves)
    scorer, _ = _fit(context, network, recipe, stages, source, None)
    return TrainedModel(scorer, network.view.feature, scorer.model.count_params())


def up_to_best_epoch(stages: Sequence[Stage], curves: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """Returns the stages of a training up to the one with the best epoch, each up to its best.

    Args:
        stages: of the training.
        curves: what `fit_stages` told of it.
    """
    losses = [[epoch[MONITOR] for epoch in curve["epochs"]] for curve in curves]
    # An epoch that diverged has no loss in a record.
    best = [min((x, at) for at, x in enumerate(of) if x is not None) for of in losses]
    last = min(range(len(best)), key=lambda stage: best[stage][0])
    return [
        dataclasses.replace(stage, stop_after=at + 1)
        for stage, (_, at) in zip(stages[: last + 1], best, strict=False)
    ]


def _segments(network: Network, audio: AudioConfig) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda packed: network.view.segments(packed, audio)


def _stored(
    folder: str, context: TrainingContext, network: Network, files: Sequence[str]
) -> StoredClips:
    """Returns clips to train on."""
    source = input_fn.store(files, network.view.feature, folder)
    return source.then(_segments(network, context.audio)) if network.view.crops is None else source


def _fit(
    context: TrainingContext,
    network: Network,
    recipe: Recipe,
    stages: Sequence[Stage],
    source: StoredClips,
    compared: StoredClips | None,
) -> tuple[NetworkScorer, list[dict[str, Any]]]:
    """Returns the trained network and its curves.

    Args:
        context: of the training.
        network: what is trained.
        recipe: how.
        stages: its stages.
        source: clips to train on.
        compared: clips that decide which weights are the best, None where that is known.
    """
    view, audio = network.view, context.audio
    counts = np.bincount(source.labels, minlength=context.n_classes)
    strategy = training_strategy()
    batch_size = recipe.batch_size * strategy.num_replicas_in_sync
    steps = input_fn.steps_per_epoch(len(source.labels), view.inputs_per_clip, batch_size)

    def data(stage: Stage, trunk: keras.Model | None, epochs_done: int) -> Batches:
        seen, training, validation = view, source, compared
        if trunk is not None:
            training = input_fn.outputs_of(trunk, source, view, batch_size)
            if compared:
                validation = input_fn.outputs_of(trunk, compared, view, batch_size)
            seen = dataclasses.replace(view, to_input=lambda outputs: outputs)
        chance = np.random.SeedSequence([context.train.seed, *stage.name.encode(), epochs_done])
        return Batches(
            input_fn.training_batches(
                training,
                seen,
                audio,
                recipe,
                augmented=context.train.augmentation and trunk is None,
                class_weights=targets.class_weights(counts),
                batch_size=batch_size,
                steps=steps,
                seeds=[int(word) for word in chance.generate_state(4)],
            ),
            validation
            and padded_batches.weighted(
                input_fn.evaluation_batches(
                    validation, seen, n_classes=context.n_classes, batch_size=batch_size
                ),
                batch_size,
                validation.n_segments,
            ),
        )

    execution = execution_on(strategy)
    with strategy.scope(), execution.layers():
        model = network.build_model(context.n_classes, audio, recipe)
    curves = fit_stages(
        model,
        stages,
        data=data,
        steps_per_epoch=steps,
        strategy=strategy,
        patience=context.train.patience,
        checkpoint_dir=context.checkpoint_dir,
        log_dir=context.log_dir,
        execution=execution,
    )
    # A copy made here, outside of the strategy and never compiled, is what a CPU can serve and
    # what leaves the optimizer's state behind.
    untrained = dataclasses.replace(context.train, mobilenet_weights="none")
    servable = network.build_model(
        context.n_classes, audio, dataclasses.replace(recipe, train=untrained)
    )
    servable.set_weights(model.get_weights())
    return NetworkScorer(network, servable, audio), curves


def _shortened(stage: Stage, max_epochs: int | None) -> Stage:
    if max_epochs is None:
        return stage
    return dataclasses.replace(stage, epochs=min(stage.epochs, max_epochs))


def _hyperparameters(
    recipe: Recipe, stages: Sequence[Stage], tuned: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns what a report tells of the training, with the names of what was tuned."""
    later = {
        f"{stage.name}_{name}": getattr(stage, name)
        for stage in stages[1:]
        for name in ("epochs", "learning_rate")
    }
    return {
        **recipe.values(),
        **later,
        "augmentation": recipe.train.augmentation,
        "tuned": sorted(tuned),
    }
