"""Raw windows of a clip: a pure TensorFlow function."""

from __future__ import annotations

import tensorflow as tf

from dataset.config import AudioConfig
from features.pcm import _PCM16_SCALE

WINDOW_RMS = 0.1  # a clip's windows leave at -20 dBFS, whatever its loudness


def raw_windows(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns a whole clip, float32 [samples], in consecutive windows, all at the clip's own level.

    A rest at the end that is shorter than a window is dropped; a clip shorter than a window is
    padded with zeros. The whole clip is brought to -20 dBFS, so loudness tells nothing.

    Returns:
        int16 [max(1, samples // window_samples), window_samples].
    """
    rms = tf.sqrt(tf.reduce_mean(tf.square(signal)))
    levelled = tf.math.divide_no_nan(signal, rms) * WINDOW_RMS
    n_windows = tf.maximum(tf.size(signal) // config.window_samples, 1)
    wanted = n_windows * config.window_samples
    kept = levelled[:wanted]
    padded = tf.pad(kept, [[0, wanted - tf.size(kept)]])
    scaled = tf.round(tf.clip_by_value(padded, -1.0, 1.0) * (_PCM16_SCALE - 1))
    return tf.reshape(tf.cast(scaled, tf.int16), [n_windows, config.window_samples])
