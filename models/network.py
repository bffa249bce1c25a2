"""What the Keras networks share: from a job to a fitted scorer."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models import input_fn, targets
from models.devices import training_strategy
from models.family import Fitted, Job
from models.fitting import Stage, fit_stages
from models.view import View
from pipeline.config import AudioConfig, TrainConfig

# What every network reads of TrainConfig.
SETTINGS = (
    "epochs", "batch_size", "learning_rate", "patience",
    "dropout", "label_smoothing", "mixup", "augmentation",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Epochs:
    """How long a network is trained by default: until it has seen so many clips.

    A small archive takes more epochs than a large one, within limits; early stopping comes on top.
    """

    clips: int
    least: int
    most: int

    def of(self, n_clips: int) -> int:
        """Returns the epochs for an archive of `n_clips` training clips."""
        return min(self.most, max(self.least, round(self.clips / max(n_clips, 1))))


@dataclasses.dataclass(frozen=True)
class Network:
    """One kind of network.

    Attributes:
        view: what it sees of a clip.
        inputs_per_clip: inputs that a clip gives in a training epoch.
        epochs: how long it is trained where `TrainConfig.epochs` is None.
        defaults: values for the fields of TrainConfig that are None.
        space: what a Tuner may try for such fields: a name to the values of it.
        build_model: the untrained network for so many classes; it gives logits. Its TrainConfig has
            no field that is None.
        stages: the stages of its training, in order, from a TrainConfig of that kind.
    """

    view: View
    inputs_per_clip: int
    epochs: Epochs
    defaults: Mapping[str, Any]
    space: Mapping[str, tuple[float, ...]]
    build_model: Callable[[int, AudioConfig, TrainConfig], keras.Model]
    stages: Callable[[TrainConfig], list[Stage]]


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


def complete(
    network: Network, train: TrainConfig, tuned: Mapping[str, Any], n_clips: int
) -> TrainConfig:
    """Returns `train` without a None: what was asked for, else tuned, else the network's default.

    Args:
        network: whose defaults they are.
        train: as the user gave it.
        tuned: what a Tuner found.
        n_clips: clips in the train split.
    """
    values = {**network.defaults, "epochs": network.epochs.of(n_clips), **tuned}
    missing = {name: value for name, value in values.items() if getattr(train, name) is None}
    return dataclasses.replace(train, **missing)


def train_network(job: Job, network: Network) -> Fitted:
    """Returns the network with the weights of its best epoch."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(job.train.seed)
    tf.config.experimental.enable_op_determinism()
    with tempfile.TemporaryDirectory(prefix="segments-") as folder:
        return _train_in(folder, job, network)


def _train_in(folder: str, job: Job, network: Network) -> Fitted:
    view, audio = network.view, job.audio
    if view.crops is None:
        source = input_fn.stored_segments(job.train_files, view, audio, f"{folder}/train")
    else:
        source = input_fn.clips(job.train_files, view.feature)
    counts = input_fn.count_labels(source, job.n_classes)
    n_clips = int(counts.sum())
    train = complete(network, job.train, job.hyperparameters, n_clips)
    strategy = training_strategy()
    batch_size = train.batch_size * strategy.num_replicas_in_sync
    steps = input_fn.steps_per_epoch(n_clips, network.inputs_per_clip, batch_size)

    def training(stage: int, epochs_done: int) -> tf.data.Dataset:
        chance = np.random.SeedSequence([train.seed, stage, epochs_done])
        return input_fn.training_batches(
            source,
            view,
            audio,
            train,
            class_weights=targets.class_weights(counts),
            batch_size=batch_size,
            steps=steps,
            seeds=[int(word) for word in chance.generate_state(4)],
        )

    stored = input_fn.stored_segments(job.eval_files, view, audio, f"{folder}/eval")
    with strategy.scope():
        model = network.build_model(job.n_classes, audio, train)
    curves = fit_stages(
        model,
        network.stages(train),
        training=training,
        steps_per_epoch=steps,
        validation=input_fn.evaluation_batches(
            stored, view, n_classes=job.n_classes, batch_size=batch_size
        ),
        strategy=strategy,
        patience=train.patience,
        checkpoint_dir=job.checkpoint_dir,
        log_dir=job.log_dir,
    )
    # A copy made here, outside of the strategy and never compiled, is what a CPU can serve and
    # what leaves the optimizer's state behind.
    servable = network.build_model(
        job.n_classes, audio, dataclasses.replace(train, mobilenet_weights="none")
    )
    servable.set_weights(model.get_weights())
    return Fitted(
        scorer=NetworkScorer(network, servable, audio),
        feature=view.feature,
        n_parameters=servable.count_params(),
        hyperparameters=_hyperparameters(train, job.hyperparameters),
        curves=curves,
    )


def _hyperparameters(train: TrainConfig, tuned: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a report tells of the training, with the names of what was tuned."""
    told = {name: getattr(train, name) for name in SETTINGS}
    return {**told, "tuned": sorted(tuned)}
