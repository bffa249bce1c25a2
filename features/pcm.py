"""Samples as bytes: pure TensorFlow functions."""

from __future__ import annotations

import tensorflow as tf

_PCM16_SCALE = 32_768.0


def decode_pcm16(data: tf.Tensor) -> tf.Tensor:
    """Returns float32 [samples] in [-1, 1) from scalar little-endian PCM16 bytes."""
    return tf.cast(tf.io.decode_raw(data, tf.int16), tf.float32) / _PCM16_SCALE


def encode_pcm16(signal: tf.Tensor) -> tf.Tensor:
    """Returns scalar little-endian PCM16 bytes of a float [samples] signal; clips to [-1, 1)."""
    scaled = tf.clip_by_value(tf.round(signal * _PCM16_SCALE), -_PCM16_SCALE, _PCM16_SCALE - 1)
    return pack(tf.cast(scaled, tf.int16))


def pack(tensor: tf.Tensor) -> tf.Tensor:
    """Returns the values of a numeric tensor as scalar bytes, the inverse of `tf.io.decode_raw`.

    TensorFlow has no such operation; but `TensorProto.tensor_content` is the last field of the
    message and holds just these bytes, so they are the tail of the serialized tensor.
    """
    n_bytes = tf.size(tensor) * tensor.dtype.size
    return tf.strings.substr(tf.io.serialize_tensor(tensor), -n_bytes, n_bytes)
