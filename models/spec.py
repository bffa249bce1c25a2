"""What a model offers to the trainer, and what it gets from it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import tensorflow as tf

from dataset.config import AudioConfig
from models.config import TrainConfig
from models.held_out import HeldOut


@dataclasses.dataclass(frozen=True)
class TrainingContext:
    """What a model is to train on, and how.

    Attributes:
        name: of the model, in `models.registry`.
        n_classes: genres.
        train_files: patterns of transformed TFRecords.
        eval_files: patterns of transformed TFRecords; for stopping early, never for fitting.
        audio: how a clip was cut.
        train: how to train.
        checkpoint_dir: belongs to this very training, for going on after an interruption. A folder
            `clips` beside it is emptied by every training.
        log_dir: for TensorBoard's logs.
        hyperparameters: what a Tuner found; empty where there was none.
        max_epochs: of every stage of a network, for the trials of a Tuner; None: as it is.
    """

    name: str
    n_classes: int
    train_files: Sequence[str]
    eval_files: Sequence[str]
    audio: AudioConfig
    train: TrainConfig
    checkpoint_dir: str
    log_dir: str
    hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    max_epochs: int | None = None


@dataclasses.dataclass(frozen=True)
class TrainingSize:
    """How much a model is to be trained on, for an estimate of the time.

    Attributes:
        train_clips: clips of `train`.
        eval_clips: clips of `eval`.
        audio: how a clip is cut.
        max_epochs: as in `TrainingContext`.
    """

    train_clips: int
    eval_clips: int
    audio: AudioConfig
    max_epochs: int | None = None


class ClipScorer(Protocol):
    """A `tf.Module`, so that a SavedModel holds what it computes with."""

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes], rows that sum to 1, from packed features.

        These are string [batch], or [batch, parts] for a feature that is several, see `pack`.
        """


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """What came of a training.

    Attributes:
        scorer: the model, ready to be exported: without a strategy, optimizer or fitted library.
        feature: the transformed feature that the scorer takes.
        n_parameters: numbers that the scorer holds.
        hyperparameters: what it was trained with, as JSON values.
        curves: a `{"stage": name, "epochs": [{"loss": …, "val_loss": …}, …]}` a stage; empty for
            models that are not trained by epochs.
        servable: whether audio alone is enough to score a clip; not where the scorer takes FMA's
            own features.
        out_of_fold: scores of clips of `train`, each by a model that was fitted on the clips of
            other artists; None where fitting takes too long for that.
    """

    scorer: ClipScorer
    feature: str
    n_parameters: int
    hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    curves: Sequence[Mapping[str, Any]] = ()
    servable: bool = True
    out_of_fold: HeldOut | None = None


class ModelSpec(Protocol):
    """What a module such as `models.networks.cnn1d` holds under the name MODEL."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Fields of TrainConfig that it reads beside the seed; others do not train it anew."""

    def feature(self, train: TrainConfig) -> str:
        """Returns the transformed feature that it reads."""

    def train(self, context: TrainingContext) -> TrainedModel:
        """Trains one model, the same one every time."""

    def refit(
        self,
        context: TrainingContext,
        hyperparameters: Mapping[str, Any],
        curves: Sequence[Mapping[str, Any]],
    ) -> TrainedModel | None:
        """Returns a model that was trained, fitted anew on `train` and `eval`.

        Args:
            context: that of its training, but for the folders.
            hyperparameters: what its training told; nothing is chosen anew.
            curves: likewise.

        Returns:
            None where it would be another model, which the temperature is not for.
        """

    def training_seconds(self, train: TrainConfig, size: TrainingSize) -> float | None:
        """Returns how long a training takes at most, on the CPU of `pipeline.local.cpu_speed`.

        None where that has not been measured.
        """


def parts(feature: str) -> list[str]:
    """Returns the keys of the transformed features that a model's feature is made of."""
    return feature.split("+")


def pack(features: Mapping[str, tf.Tensor], feature: str) -> tf.Tensor:
    """Returns what a scorer takes.

    Args:
        features: packed features by key, string [batch] or scalars.
        feature: a key, or several with `+` between them, which are stacked along a last axis.
    """
    packed = [features[key] for key in parts(feature)]
    return packed[0] if len(packed) == 1 else tf.stack(packed, axis=-1)


def load(module: str) -> ModelSpec:
    """Returns the specification in a module that `models.registry` names."""
    return cast(ModelSpec, importlib.import_module(module).MODEL)
