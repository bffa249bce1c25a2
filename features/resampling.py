"""Resampling in the graph: a pure TensorFlow function of a signal."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# The gain of soxr's "HQ" recipe, measured: a Gauss error function of the frequency, as parts of the
# lower Nyquist frequency; -0.07 dB at 0.93, -6 dB at the centre, -59 dB at 0.99.
_RESAMPLE_CENTRE = 0.9566

_RESAMPLE_SIGMA = 0.0115

_RESAMPLE_PADDING_SECONDS = 0.05


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
