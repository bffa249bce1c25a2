"""What a family of models offers to the trainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import keras
import tensorflow as tf

from pipeline.config import AudioConfig, TrainConfig


@dataclasses.dataclass(frozen=True)
class Stage:
    """One `fit`: what it is called, how long, how fast, and what is made trainable before it."""

    name: str
    epochs: int
    learning_rate: float
    prepare: Callable[[keras.Model], None] = lambda model: None


class Family(Protocol):
    """A module such as `models.cnn1d`: build, stages of training, input and clip scores."""

    FEATURE: str
    DEFAULT_BATCH_SIZE: int

    def build_model(self, n_classes: int, audio: AudioConfig, train: TrainConfig) -> keras.Model:
        """Returns the untrained network; it gives logits."""

    def stages(self, model: keras.Model, train: TrainConfig) -> list[Stage]:
        """Returns the stages of its training, in order."""

    def expand(self, packed: tf.Tensor, label: tf.Tensor, audio: AudioConfig) -> tf.data.Dataset:
        """Returns a clip's model inputs as a dataset of (input, label)."""

    def clip_scores(self, model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
        """Returns float32 [batch, n_classes] that sum to 1, from packed features [batch]."""
