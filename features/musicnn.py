"""The musicnn tagger as a feature: what a network that knows music hears in a clip.

Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", 2019;
the weights are those trained on the Million Song Dataset (`features.musicnn_weights`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dataset.config import AudioConfig
from features import log_mel
from features.resampling import resample

Weights = Mapping[str, NDArray[np.float32]]

# What the network was trained on.
AUDIO = AudioConfig(sample_rate_hz=16_000, n_fft=512, hop_length=256, n_mels=96, fmax_hz=8_000.0)
PATCH_FRAMES = 187  # 3 s
# Spread over the clip. More tell no more: accuracy is the same with 5, 10 and 20.
N_PATCHES = 5

N_PENULTIMATE = 200
N_POOLED = 2 * 753  # the maximum and the mean of each channel
N_VALUES = N_PENULTIMATE + N_POOLED

_EPSILON = 1e-3  # of batch normalisation


def clip_values(signal: tf.Tensor, config: AudioConfig, weights: Weights) -> tf.Tensor:
    """Returns what the network computes of a clip, the mean over its patches.

    Args:
        signal: float32 [samples].
        config: has the sample rate of the signal.
        weights: of the network, by name.

    Returns:
        float32 [N_VALUES]: the penultimate layer, then the pooled values before it.
    """
    at_16_khz = resample(signal, tf.constant(config.sample_rate_hz), AUDIO.sample_rate_hz)
    pooled, penultimate = network(patches(log_mel_spectrogram(at_16_khz)), weights)
    values = tf.reduce_mean(tf.concat([penultimate, pooled], axis=1), axis=0)
    return tf.ensure_shape(values, [N_VALUES])


def log_mel_spectrogram(signal: tf.Tensor) -> tf.Tensor:
    """Returns float32 [frames, 96] of float32 [samples] at 16 kHz: log10(10,000 * power + 1)."""
    power = log_mel.power_spectrogram(signal, AUDIO)
    mel = tf.matmul(power, tf.constant(log_mel.mel_filter_bank(AUDIO).T))
    return tf.math.log(10_000.0 * mel + 1.0) / tf.math.log(10.0)


def patches(spectrogram: tf.Tensor) -> tf.Tensor:
    """Returns float32 [N_PATCHES, PATCH_FRAMES, 96], spread evenly over [frames, 96].

    A clip that is shorter than a patch is repeated.
    """
    n_frames = tf.shape(spectrogram)[0]
    last = tf.cast(tf.maximum(n_frames - PATCH_FRAMES, 0), tf.float32)
    starts = tf.cast(tf.round(tf.linspace(0.0, last, N_PATCHES)), tf.int32)
    frames = starts[:, tf.newaxis] + tf.range(PATCH_FRAMES)
    return tf.gather(spectrogram, frames % n_frames)


def network(inputs: tf.Tensor, weights: Weights) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the last two layers before the tags.

    Args:
        inputs: float32 [patches, frames, 96].
        weights: of the network, by name.

    Returns:
        float32 [patches, 1506], of each channel the maximum and the mean over time, and float32
        [patches, 200], the penultimate layer.
    """
    # [patches, frames, bands, 1]
    normal = _batch_norm(inputs[..., tf.newaxis], "batch_normalization", weights)
    over_time = tf.pad(normal, [[0, 0], [3, 3], [0, 0], [0, 0]])
    front = tf.concat(
        [_block(over_time, number, "VALID", weights) for number in (0, 1)]
        + [_block(normal, number, "SAME", weights) for number in (2, 3, 4)],
        axis=2,
    )
    layers = [front, _middle(front, 5, weights)]
    for number in (6, 7):
        layers.append(layers[-1] + _middle(layers[-1], number, weights))
    channels = tf.concat(layers, axis=2)
    pooled = tf.stack([tf.reduce_max(channels, axis=1), tf.reduce_mean(channels, axis=1)], axis=2)
    pooled = tf.reshape(pooled, [-1, N_POOLED])
    hidden = _batch_norm(pooled, "batch_normalization_9", weights)
    hidden = tf.nn.relu(tf.matmul(hidden, weights["dense/kernel"]) + weights["dense/bias"])
    return pooled, _batch_norm(hidden, "batch_normalization_10", weights)


def _block(inputs: tf.Tensor, number: int, padding: str, weights: Weights) -> tf.Tensor:
    """Returns [patches, frames, filters] of [patches, frames, bands, 1]: the loudest band's."""
    convolved = _convolution(inputs, number, padding, weights)
    return tf.reduce_max(convolved, axis=2)


def _middle(inputs: tf.Tensor, number: int, weights: Weights) -> tf.Tensor:
    """Returns [patches, frames, 64] of [patches, frames, channels]."""
    padded = tf.pad(inputs, [[0, 0], [3, 3], [0, 0]])[..., tf.newaxis]
    return _convolution(padded, number, "VALID", weights)[:, :, 0, :]


def _convolution(inputs: tf.Tensor, number: int, padding: str, weights: Weights) -> tf.Tensor:
    name = f"conv2d_{number}" if number else "conv2d"
    convolved = tf.nn.conv2d(inputs, weights[f"{name}/kernel"], 1, padding)
    rectified = tf.nn.relu(convolved + weights[f"{name}/bias"])
    return _batch_norm(rectified, f"batch_normalization_{number + 1}", weights)


def _batch_norm(inputs: tf.Tensor, name: str, weights: Weights) -> tf.Tensor:
    gain = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + _EPSILON)
    return inputs * gain + (weights[f"{name}/beta"] - weights[f"{name}/moving_mean"] * gain)
