"""What a network sees of a clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from dataset.config import AudioConfig


@dataclasses.dataclass(frozen=True)
class InputSpec:
    """How inputs come out of a clip's packed feature, scalar bytes.

    Attributes:
        feature: the transformed feature.
        inputs_per_clip: stretches of a clip in a training epoch.
        segments: the stretches that are scored: integers [n, ...], from packed bytes.
        crops: the stretches of a training epoch: integers [n, ...], from packed bytes and a seed,
            int64 [2]. None: the segments.
        to_input: float32 of the same shape, as the network takes them, from integers.
        augment: a changed input from an input and a seed.
        clip_scores: float32 [batch, n_classes] that sum to 1, from a model that gives logits and
            packed features [batch].
    """

    feature: str
    inputs_per_clip: int
    segments: Callable[[tf.Tensor, AudioConfig], tf.Tensor]
    crops: Callable[[tf.Tensor, tf.Tensor, AudioConfig], tf.Tensor] | None
    to_input: Callable[[tf.Tensor], tf.Tensor]
    augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    clip_scores: Callable[[keras.Model, tf.Tensor, AudioConfig], tf.Tensor]

    def segments_per_clip(self, audio: AudioConfig) -> int:
        """Returns how many stretches of a clip are scored."""
        return self.inputs_per_clip if self.crops is None else audio.n_windows
