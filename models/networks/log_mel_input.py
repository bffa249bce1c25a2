"""A clip as one log-mel spectrogram, for networks of images."""

from __future__ import annotations

import keras
import tensorflow as tf

from dataset.config import AudioConfig
from features import example_keys
from models.training import augmentation
from models.training.input_spec import InputSpec

_MASKS = 2
# The widest mask as a part of the spectrogram's side; two of them may hide a third at most.
_MAX_MASK = 1 / 6


def unpack(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns uint8 [..., n_mels, spectrogram_columns] from packed spectrograms [...]."""
    levels = tf.io.decode_raw(
        packed, tf.uint8, fixed_length=audio.n_mels * audio.spectrogram_columns
    )
    shape = [*packed.shape, audio.n_mels, audio.spectrogram_columns]
    return tf.reshape(levels, [-1 if size is None else size for size in shape])


def segments(packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns uint8 [1, n_mels, spectrogram_columns]: the spectrogram shows the whole clip."""
    return unpack(packed, audio)[tf.newaxis]


def to_input(levels: tf.Tensor) -> tf.Tensor:
    """Returns float32 from 0 to 255."""
    return tf.cast(levels, tf.float32)


def augment(spectrogram: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns a spectrogram begun anywhere, with stretches of time and frequency hidden."""
    rows, columns = spectrogram.shape
    roll_seed, mask_seed = tf.unstack(tf.random.split(seed, 2))
    return augmentation.spec_augment(
        augmentation.random_roll(spectrogram, roll_seed),
        mask_seed,
        masks=_MASKS,
        max_rows=round(rows * _MAX_MASK),
        max_columns=round(columns * _MAX_MASK),
    )


def clip_scores(model: keras.Model, packed: tf.Tensor, audio: AudioConfig) -> tf.Tensor:
    """Returns float32 [batch, n_classes]: the softmax of each clip's spectrogram."""
    return tf.nn.softmax(model(to_input(unpack(packed, audio)), training=False))


VIEW = InputSpec(example_keys.LOG_MEL, 1, segments, None, to_input, augment, clip_scores)
