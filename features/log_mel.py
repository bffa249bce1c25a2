"""The log-mel spectrogram: pure TensorFlow functions of a signal and an AudioConfig."""

from __future__ import annotations

import librosa
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dataset.config import AudioConfig

_AMIN = 1e-10  # librosa.power_to_db's floor of power


def power_spectrogram(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the power spectrogram of float32 [samples]: |STFT|², the root of all that follows.

    The same as `numpy.abs(librosa.stft(...)) ** 2`: centred frames with zero padding, periodic Hann
    window.

    Returns:
        float32 [frames, 1 + n_fft // 2]; frames = 1 + samples // hop_length.
    """
    half = config.n_fft // 2
    padded = tf.pad(signal, [[half, half]])
    spectrum = tf.signal.stft(
        padded,
        frame_length=config.n_fft,
        frame_step=config.hop_length,
        fft_length=config.n_fft,
        window_fn=lambda length, dtype: tf.signal.hann_window(length, periodic=True, dtype=dtype),
    )
    return tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))


def log_mel_db(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the log-mel spectrogram of a power spectrogram, in dB below its own maximum.

    The same as `librosa.power_to_db(librosa.feature.melspectrogram(S=...), ref=np.max)`: Slaney's
    mel filter bank (Slaney, Auditory Toolbox, 1998), floor at `dynamic_range_db` below the maximum.

    Returns:
        float32 [frames, n_mels] in [-dynamic_range_db, 0].
    """
    mel_db = decibel(tf.matmul(power, tf.constant(mel_filter_bank(config).T)))
    reference_db = tf.reduce_max(mel_db)
    return tf.maximum(mel_db - reference_db, -config.dynamic_range_db)


def mel_filter_bank(config: AudioConfig) -> NDArray[np.float32]:
    """Returns librosa's Slaney filter bank, float32 [n_mels, 1 + n_fft // 2]."""
    return librosa.filters.mel(
        sr=config.sample_rate_hz,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.fmin_hz,
        fmax=config.fmax_hz,
        dtype=np.float32,
    )


def decibel(power: tf.Tensor) -> tf.Tensor:
    """Returns a power in dB re 1, not below -100 dB, as `librosa.power_to_db` without `top_db`."""
    return 10.0 * tf.math.log(tf.maximum(power, _AMIN)) / tf.math.log(10.0)


def pool_frames(values: tf.Tensor, columns: int) -> tf.Tensor:
    """Returns [columns, channels]: the mean of [frames, channels] over `columns` equal stretches.

    A frame on the border of two stretches counts in each by the part that lies in it, so every
    frame weighs the same and none is skipped, however many there are.
    """
    n_frames = tf.shape(values)[0]
    width = tf.cast(n_frames, tf.float32) / columns
    start = tf.range(columns, dtype=tf.float32)[:, tf.newaxis] * width
    frame = tf.range(n_frames, dtype=tf.int32)
    frame = tf.cast(frame, tf.float32)[tf.newaxis, :]
    overlap = tf.minimum(start + width, frame + 1.0) - tf.maximum(start, frame)
    weights = tf.maximum(overlap, 0.0)
    return tf.matmul(weights / tf.reduce_sum(weights, axis=1, keepdims=True), values)


def log_mel_image(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the log-mel spectrogram of a whole clip as an image.

    Returns:
        uint8 [n_mels, spectrogram_columns], low frequencies in the last row, 255 at the clip's
        maximum and 0 at `dynamic_range_db` below it; a step is dynamic_range_db / 255 (0.31 dB).
    """
    pooled = pool_frames(log_mel_db(power, config), config.spectrogram_columns)
    levels = tf.round((pooled / config.dynamic_range_db + 1.0) * 255.0)
    image = tf.reverse(tf.transpose(tf.cast(levels, tf.uint8)), axis=[0])
    return tf.ensure_shape(image, [config.n_mels, config.spectrogram_columns])
