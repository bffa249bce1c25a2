"""Chance for training: pure functions of a tensor and a seed, with static shapes.

A seed is int64 [2], as TensorFlow's stateless operations take it: the same seed gives the same
result on every machine, whatever ran before.
"""

from __future__ import annotations

import tensorflow as tf


def random_crops(samples: tf.Tensor, seed: tf.Tensor, count: int, length: int) -> tf.Tensor:
    """Returns [count, length]: stretches of [samples] that begin anywhere, uniformly drawn.

    A signal shorter than `length` is repeated first.
    """
    samples = repeat_to(samples, length)
    last = tf.size(samples) - length
    starts = tf.random.stateless_uniform([count], seed, maxval=last + 1, dtype=tf.int32)
    return _stretches(samples, starts, count, length)


def spread_crops(samples: tf.Tensor, count: int, length: int) -> tf.Tensor:
    """Returns [count, length]: stretches of [samples] spread evenly, without randomness.

    The first begins with the signal and the last ends with it; a single one is its middle. A
    signal shorter than `length` is repeated first.
    """
    samples = repeat_to(samples, length)
    last = tf.cast(tf.size(samples) - length, tf.int64)
    if count == 1:
        starts = last[tf.newaxis] // 2
    else:
        starts = tf.range(count, dtype=tf.int64) * last // (count - 1)
    return _stretches(samples, tf.cast(starts, tf.int32), count, length)


def repeat_to(samples: tf.Tensor, length: int) -> tf.Tensor:
    """Returns [max(samples, length)]: a shorter signal again and again, a longer one as it is."""
    times = -(-length // tf.maximum(tf.size(samples), 1))
    repeated = tf.tile(samples, [tf.maximum(times, 1)])
    return repeated[: tf.maximum(tf.size(samples), length)]


def _stretches(samples: tf.Tensor, starts: tf.Tensor, count: int, length: int) -> tf.Tensor:
    index = starts[:, tf.newaxis] + tf.range(length)
    return tf.ensure_shape(tf.gather(samples, index), [count, length])


def random_gain(signal: tf.Tensor, seed: tf.Tensor, max_db: float) -> tf.Tensor:
    """Returns `signal` louder or softer by up to `max_db` decibels, uniformly in decibels."""
    gain_db = tf.random.stateless_uniform([], seed, minval=-max_db, maxval=max_db)
    return signal * tf.pow(10.0, gain_db / 20.0)


def random_roll(spectrogram: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns [rows, columns] turned about in time, to begin at any of its columns."""
    columns = spectrogram.shape[1]
    shift = tf.random.stateless_uniform([], seed, maxval=columns, dtype=tf.int32)
    return tf.roll(spectrogram, shift, axis=1)


def spec_augment(
    spectrogram: tf.Tensor, seed: tf.Tensor, *, masks: int, max_rows: int, max_columns: int
) -> tf.Tensor:
    """Returns a spectrogram with stretches of frequency and of time set to its mean.

    SpecAugment without time warping (Park et al., Interspeech 2019), whose gain is small beside
    that of the masks: for each mask a width from 0 to the maximum, then a place, both uniform.

    Args:
        spectrogram: float32 [rows, columns], frequency by time.
        seed: int64 [2].
        masks: masks on either axis.
        max_rows: the widest mask of frequencies, at most `rows`.
        max_columns: the widest mask of time, at most `columns`.
    """
    rows, columns = spectrogram.shape
    row_seed, column_seed = tf.unstack(tf.random.split(seed, 2))
    hidden_rows = _masked(rows, row_seed, masks, max_rows)
    hidden_columns = _masked(columns, column_seed, masks, max_columns)
    hidden = hidden_rows[:, tf.newaxis] | hidden_columns[tf.newaxis, :]
    return tf.where(hidden, tf.reduce_mean(spectrogram), spectrogram)


def _masked(size: int, seed: tf.Tensor, masks: int, widest: int) -> tf.Tensor:
    """Returns bool [size], true below any of the masks."""
    width_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    width = tf.random.stateless_uniform([masks], width_seed, maxval=widest + 1, dtype=tf.int32)
    share = tf.random.stateless_uniform([masks], place_seed)
    start = tf.cast(share * tf.cast(size - width + 1, tf.float32), tf.int32)
    place = tf.range(size)[:, tf.newaxis]
    return tf.reduce_any((place >= start) & (place < start + width), axis=1)


def mixup(
    inputs: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, alpha: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns each input and target mixed with those of its neighbour in the batch.

    mixup (Zhang et al., ICLR 2018): `share * own + (1 - share) * other`, with a share for each
    input from Beta(alpha, alpha). The batch is a shuffled one, so a neighbour is anyone.

    Args:
        inputs: float32 [batch, ...].
        targets: float32 [batch, n_classes].
        seed: int64 [2].
        alpha: above 0; the smaller, the closer the mixture to one of the two.
    """
    seeds = tf.unstack(tf.random.split(seed, 2))
    own, other = (tf.random.stateless_gamma(targets.shape[:1], s, alpha) for s in seeds)
    share = own / (own + other)

    def mixed(values: tf.Tensor) -> tf.Tensor:
        part = tf.reshape(share, [-1] + [1] * (values.shape.rank - 1))
        return part * values + (1.0 - part) * tf.roll(values, 1, axis=0)

    return mixed(inputs), mixed(targets)
