"""Transformed TFRecords to tf.data: the same in every run, with static shapes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dataset.config import AudioConfig
from features import example_keys
from models.spec import pack, parts
from models.training import augmentation, padded_batches, targets
from models.training.clip_store import StoredClips
from models.training.input_spec import InputSpec
from models.training.recipe import Recipe

_PARALLEL_FILES = 8
# Clips whose crops are mixed, so that those of a clip do not follow each other.
_MIXED_CLIPS = 64


def clips(file_patterns: Sequence[str], feature: str) -> tf.data.Dataset:
    """Returns a dataset of (packed feature, label) of scalars, several files in turn."""
    return records(file_patterns, feature, (example_keys.LABEL,))


def records(file_patterns: Sequence[str], feature: str, numbers: Sequence[str]) -> tf.data.Dataset:
    """Returns a dataset of (packed feature, *numbers), clip by clip, several files in turn.

    Args:
        file_patterns: transformed TFRecords.
        feature: which packed feature to read, see `models.spec.pack`.
        numbers: keys of int64 features to read with it.
    """
    paths = sorted(path for pattern in file_patterns for path in tf.io.gfile.glob(pattern))
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in parts(feature)}
    spec |= {key: tf.io.FixedLenFeature([], tf.int64) for key in numbers}

    def parse(record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parsed = tf.io.parse_single_example(record, spec)
        return (pack(parsed, feature), *(parsed[key] for key in numbers))

    return tf.data.TFRecordDataset(
        paths, compression_type="GZIP", num_parallel_reads=min(len(paths), _PARALLEL_FILES)
    ).map(parse)


def store(file_patterns: Sequence[str], feature: str, folder: str) -> StoredClips:
    """Returns the clips of transformed TFRecords by track, each in a file of its own.

    The order of the records is Beam's, and with several workers another one in every run. They also
    hold every feature, compressed; here one is unpacked once for all epochs, one clip after the
    other. A clip of none of the genres is left out.

    Args:
        file_patterns: transformed TFRecords.
        feature: the packed feature to keep.
        folder: where the files go; belongs to these clips.
    """
    os.makedirs(folder)
    keys = (example_keys.TRACK_ID, example_keys.LABEL)
    found = records(file_patterns, feature, keys).prefetch(tf.data.AUTOTUNE)
    label_of: dict[int, int] = {}
    for packed, track, label in found.as_numpy_iterator():
        if label < 0:
            continue
        label_of[int(track)] = int(label)
        with open(os.path.join(folder, str(track)), "wb") as file:
            file.write(packed)
    tracks = np.array(sorted(label_of), np.int64)
    labels = np.array([label_of[track] for track in tracks], np.int64)

    def read(track: tf.Tensor) -> tf.Tensor:
        return tf.io.read_file(tf.strings.join([folder, "/", tf.strings.as_string(track)]))

    return StoredClips(tracks, labels, read)


def outputs_of(
    trunk: keras.Model, source: StoredClips, view: InputSpec, batch_size: int
) -> StoredClips:
    """Returns the clips' segments as a trunk sees them: float32 [n, ...] a clip.

    They are held in memory: 5 KB a spectrogram behind MobileNetV2's pooling.
    """
    inputs = source.in_order().flat_map(
        lambda segments, _: tf.data.Dataset.from_tensor_slices(view.to_input(segments))
    )
    outputs = padded_batches.predict(trunk, inputs, batch_size, source.n_segments)
    held = tf.constant(outputs.reshape([len(source.keys), -1, *outputs.shape[1:]]))
    return StoredClips(
        np.arange(len(source.keys)), source.labels, lambda number: tf.gather(held, number)
    )


def training_batches(
    source: StoredClips,
    view: InputSpec,
    audio: AudioConfig,
    recipe: Recipe,
    *,
    augmented: bool,
    class_weights: NDArray[np.float32],
    batch_size: int,
    steps: int,
    seeds: Sequence[int],
) -> tf.data.Dataset:
    """Returns an epoch of batches of (inputs, targets, weights); another one at every iteration.

    Args:
        source: packed features where the view has crops, else segments.
        view: what the network sees.
        audio: how a clip was cut.
        recipe: how much of mixup and label smoothing.
        augmented: whether inputs are changed at random, by mixup and by the view.
        class_weights: float32 [n_classes].
        batch_size: inputs in a batch; all batches are whole.
        steps: batches. Where they need more inputs than there are, some inputs come again.
        seeds: four numbers that fix all random draws.
    """
    n_classes = len(class_weights)

    def with_seeds(dataset: tf.data.Dataset, seed: int) -> tf.data.Dataset:
        chance = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
        return tf.data.Dataset.zip((dataset, chance.batch(2, drop_remainder=True)))

    def split(stretches: tf.Tensor, label: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(stretches).map(lambda one: (one, label))

    def finish(one: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        stretch, label = one
        value = view.to_input(stretch)
        if augmented:
            value = tf.ensure_shape(view.augment(value, seed), value.shape)
        return value, tf.one_hot(label, n_classes)

    def mix(
        batch: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        inputs, wanted = batch
        if augmented and recipe.mixup:
            inputs, wanted = augmentation.mixup(inputs, wanted, seed, recipe.mixup)
        weights = tf.linalg.matvec(wanted, class_weights)
        return inputs, targets.smooth(wanted, recipe.label_smoothing), weights

    stretches = source.shuffled(seeds[1])
    crops = view.crops
    if crops is not None:
        stretches = with_seeds(stretches, seeds[0]).map(
            lambda clip, seed: (crops(clip[0], seed, audio), clip[1]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    inputs = (
        stretches.interleave(split, cycle_length=_MIXED_CLIPS).repeat().take(steps * batch_size)
    )
    batches = (
        with_seeds(inputs, seeds[2])
        .map(finish, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
    )
    return with_seeds(batches, seeds[3]).map(mix).prefetch(tf.data.AUTOTUNE)


def steps_per_epoch(n_clips: int, inputs_per_clip: int, batch_size: int) -> int:
    """Returns how many batches it takes to see every input."""
    return max(1, math.ceil(n_clips * inputs_per_clip / batch_size))


def evaluation_batches(
    source: StoredClips, view: InputSpec, *, n_classes: int, batch_size: int
) -> tf.data.Dataset:
    """Returns batches of (inputs, plain targets), clip by clip, without randomness.

    Args:
        source: segments.
        view: what the network sees.
        n_classes: genres.
        batch_size: inputs in a batch; the last one may be smaller.
    """

    def split(segments: tf.Tensor, label: tf.Tensor) -> tf.data.Dataset:
        inputs = tf.data.Dataset.from_tensor_slices(view.to_input(segments))
        return inputs.map(lambda one: (one, tf.one_hot(label, n_classes)))

    return source.in_order().flat_map(split).batch(batch_size).prefetch(tf.data.AUTOTUNE)
