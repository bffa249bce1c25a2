"""A clip as stretches of raw audio, for networks of waveforms."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from dataset.config import AudioConfig
from features import example_keys
from features.waveform import WINDOW_RMS
from models.training import augmentation
from models.training.input_spec import InputSpec

# A clip's windows are all at one level, so that loudness tells nothing; this keeps a network from
# learning that level by heart.
_MAX_GAIN_DB = 6.0


def unpack(packed: tf.Tensor) -> tf.Tensor:
    """Returns int16 [samples], a whole clip at -20 dBFS, from scalar packed windows."""
    return tf.io.decode_raw(packed, tf.int16)


def to_input(samples: tf.Tensor) -> tf.Tensor:
    """Returns float32 [..., length, 1] from int16 [..., length]; a clip's samples have unit RMS."""
    return tf.cast(samples, tf.float32)[..., tf.newaxis] / (WINDOW_RMS * 32_767.0)


def augment(window: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns a window that is louder or softer."""
    return augmentation.random_gain(window, seed, _MAX_GAIN_DB)


def view(length: Callable[[AudioConfig], int], *, n_crops: int) -> InputSpec:
    """Returns the view of a network that takes float32 [length, 1].

    Trained on crops from anywhere in the clip, scored on `AudioConfig.n_windows` segments spread
    evenly over it, with the mean of their softmax.

    Args:
        length: samples that the network takes.
        n_crops: crops of a clip in an epoch.
    """

    def segments(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
        return augmentation.spread_crops(unpack(packed), audio.n_windows, length(audio))

    def crops(packed: tf.Tensor, seed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
        return augmentation.random_crops(unpack(packed), seed, n_crops, length(audio))

    def clip_scores(model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
        def one_clip(clip: tf.Tensor) -> tf.Tensor:
            logits = model(to_input(segments(clip, audio)), training=False)
            return tf.reduce_mean(tf.nn.softmax(logits), axis=0)

        # One clip at a time, for a batch of clips would be a large batch of windows, whose first
        # layers' outputs take megabytes each.
        return tf.map_fn(one_clip, packed, fn_output_signature=tf.float32, parallel_iterations=1)

    return InputSpec(example_keys.WINDOWS, n_crops, segments, crops, to_input, augment, clip_scores)
