"""Transformed TFRecords to tf.data: deterministic, with static shapes behind the batch axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from models import features

# What is held for shuffling: packed clips, of which 30 s of windows take 1.3 MB, then inputs by
# their size, so that the windows of a clip do not follow each other through the batches.
_SHUFFLE_CLIPS = 128
_SHUFFLE_INPUT_BYTES = 64 * 2**20

# From one clip's packed feature (scalar bytes) and its label to a dataset of (input, label).
Expand = Callable[[tf.Tensor, tf.Tensor], tf.data.Dataset]


def clips(file_patterns: Sequence[str], feature: str) -> tf.data.Dataset:
    """Returns a dataset of (packed feature, label) of scalars, in the order of the files."""
    return records(file_patterns, feature, (features.LABEL,))


def records(file_patterns: Sequence[str], feature: str, numbers: Sequence[str]) -> tf.data.Dataset:
    """Returns a dataset of (packed feature, *numbers) of scalars, in the order of the files.

    Args:
        file_patterns: transformed TFRecords.
        feature: which packed feature to read.
        numbers: keys of int64 features to read with it.
    """
    paths = sorted(path for pattern in file_patterns for path in tf.io.gfile.glob(pattern))
    spec = {feature: tf.io.FixedLenFeature([], tf.string)}
    spec |= {key: tf.io.FixedLenFeature([], tf.int64) for key in numbers}

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parsed = tf.io.parse_single_example(record, spec)
        return tuple(parsed[key] for key in (feature, *numbers))

    return tf.data.TFRecordDataset(paths, compression_type="GZIP").map(parse)


def training_batches(
    file_patterns: Sequence[str],
    feature: str,
    expand: Expand,
    *,
    batch_size: int,
    seed: int,
    drop_remainder: bool,
) -> tf.data.Dataset:
    """Returns shuffled batches of (inputs, labels); another order every epoch.

    Args:
        file_patterns: transformed TFRecords.
        feature: which packed feature to read.
        expand: makes the model's inputs of a clip.
        batch_size: inputs in a batch.
        seed: fixes the orders.
        drop_remainder: whether batches must all be whole, as a TPU needs.
    """
    inputs = (
        clips(file_patterns, feature)
        .shuffle(_SHUFFLE_CLIPS, seed=seed)
        .interleave(expand, cycle_length=batch_size)
    )
    input_spec, _ = inputs.element_spec
    n_held = max(1, _SHUFFLE_INPUT_BYTES // (input_spec.shape.num_elements() * 4))
    return (
        inputs.shuffle(n_held, seed=seed)
        .batch(batch_size, drop_remainder=drop_remainder)
        .prefetch(tf.data.AUTOTUNE)
    )


def evaluation_batches(
    file_patterns: Sequence[str], feature: str, expand: Expand, *, batch_size: int
) -> tf.data.Dataset:
    """Returns batches of (inputs, labels) in the order of the files."""
    return (
        clips(file_patterns, feature).flat_map(expand).batch(batch_size).prefetch(tf.data.AUTOTUNE)
    )
