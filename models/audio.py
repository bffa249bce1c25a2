"""From a signal to pictures and windows: pure TensorFlow functions of (signal, AudioConfig).

All of them take one clip, so that memory is bounded by a clip whatever the batch; all of them are
built from stock TensorFlow operations, so that a SavedModel holds them without this project.
"""

from __future__ import annotations

import librosa
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipeline.config import AudioConfig

_PCM16_SCALE = 32_768.0
_AMIN = 1e-10  # librosa.power_to_db's floor of power
WINDOW_RMS = 0.1  # a clip's windows leave at -20 dBFS, whatever its loudness
# The gain of soxr's "HQ" recipe, measured: a Gauss error function of the frequency, as parts of the
# lower Nyquist frequency; -0.07 dB at 0.93, -6 dB at the centre, -59 dB at 0.99.
_RESAMPLE_CENTRE = 0.9566
_RESAMPLE_SIGMA = 0.0115
_RESAMPLE_PADDING_SECONDS = 0.05


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


def picture(power: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    """Returns the log-mel picture of a whole clip's power spectrogram.

    Returns:
        uint8 [n_mels, picture_columns], low frequencies in the last row, 255 at the clip's maximum
        and 0 at `dynamic_range_db` below it; a step is dynamic_range_db / 255 (0.31 dB).
    """
    pooled = pool_frames(log_mel_db(power, config), config.picture_columns)
    levels = tf.round((pooled / config.dynamic_range_db + 1.0) * 255.0)
    image = tf.reverse(tf.transpose(tf.cast(levels, tf.uint8)), axis=[0])
    return tf.ensure_shape(image, [config.n_mels, config.picture_columns])


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


def resample(signal: tf.Tensor, from_hz: tf.Tensor, to_hz: int) -> tf.Tensor:
    """Returns float32 [ceil(samples * to_hz / from_hz)]: `signal` resampled in the FFT domain.

    The spectrum is cut (or padded) at the lower of the two Nyquist frequencies, with the
    transition band of soxr's HQ recipe, which ingestion uses.

    Args:
        signal: float32 [samples].
        from_hz: scalar int32, its sample rate.
        to_hz: the sample rate wanted.
    """
    return tf.cond(
        tf.equal(from_hz, to_hz),
        lambda: signal,
        lambda: _resample_spectrum(signal, from_hz, to_hz),
    )


def _resample_spectrum(signal: tf.Tensor, from_hz: tf.Tensor, to_hz: int) -> tf.Tensor:
    divisor = _greatest_common_divisor(from_hz, tf.constant(to_hz))
    step_in, step_out = from_hz // divisor, to_hz // divisor
    padding = tf.cast(_RESAMPLE_PADDING_SECONDS * tf.cast(from_hz, tf.float32), tf.int32)
    n_steps = _round_up_smooth((tf.size(signal) + padding + step_in - 1) // step_in)
    n_in, n_out = n_steps * step_in, n_steps * step_out
    spectrum = tf.signal.rfft(signal, fft_length=[n_in])
    n_bins = tf.minimum(n_in, n_out) // 2 + 1
    place = tf.linspace(0.0, 1.0, n_bins)
    gain = 0.5 * tf.math.erfc((place - _RESAMPLE_CENTRE) / (_RESAMPLE_SIGMA * np.sqrt(2.0)))
    gain *= tf.cast(n_out / n_in, tf.float32)
    kept = spectrum[:n_bins] * tf.cast(gain, tf.complex64)
    kept = tf.pad(kept, [[0, n_out // 2 + 1 - n_bins]])
    resampled = tf.signal.irfft(kept, fft_length=[n_out])
    wanted = (tf.size(signal) * step_out + step_in - 1) // step_in
    return resampled[:wanted]


def _round_up_smooth(count: tf.Tensor) -> tf.Tensor:
    """Returns the next number from `count` on that is a power of 2 times at most 32.

    An FFT whose length has a large prime factor takes seven times as long; this adds 1/16 at most.
    """
    octaves = tf.math.log(tf.cast(count, tf.float32)) / tf.math.log(2.0)
    block = tf.bitwise.left_shift(1, tf.maximum(tf.cast(octaves, tf.int32) - 4, 0))
    return (count + block - 1) // block * block


def _greatest_common_divisor(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    divisor, _ = tf.while_loop(lambda _, rest: rest > 0, lambda x, rest: (rest, x % rest), (a, b))
    return divisor
