"""Batches of one size, which is what a TPU takes, without a change of any figure."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


def weighted(batches: tf.data.Dataset, batch_size: int, n_inputs: int) -> tf.data.Dataset:
    """Returns whole batches of (inputs, targets, weights) from batches of (inputs, targets).

    Inputs and targets of 0 fill the last one; their weight is 0. The weight of the others is so
    much above 1 that the mean over all, as Keras takes it, is that over the others.

    Args:
        batches: finite; every one but the last has `batch_size` inputs.
        batch_size: inputs in a batch.
        n_inputs: inputs in all of them.
    """
    n_filled = math.ceil(n_inputs / batch_size) * batch_size
    weight = n_filled / max(n_inputs, 1)

    def whole(inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, ...]:
        weights = tf.fill([tf.shape(inputs)[0]], np.float32(weight))
        return filled(inputs, batch_size), filled(targets, batch_size), filled(weights, batch_size)

    return batches.map(whole)


def filled(tensor: tf.Tensor, batch_size: int) -> tf.Tensor:
    """Returns [batch_size, ...]: a tensor of at most so many rows, and rows of 0."""
    missing = batch_size - tf.shape(tensor)[0]
    padding = [[0, missing], *([0, 0] for _ in tensor.shape[1:])]
    return tf.ensure_shape(tf.pad(tensor, padding), [batch_size, *tensor.shape[1:]])


def predict(
    model: keras.Model, inputs: tf.data.Dataset, batch_size: int, n_inputs: int
) -> NDArray[np.float32]:
    """Returns float32 [n_inputs, ...], a model's outputs for a dataset of single inputs."""
    batches = inputs.batch(batch_size).map(lambda batch: filled(batch, batch_size))
    return model.predict(batches, verbose=0)[:n_inputs].astype(np.float32)


class LabelledAccuracy(keras.metrics.CategoricalAccuracy):
    """Accuracy over what has a target, which filled rows have not; no weights."""

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        super().update_state(y_true, y_pred, keras.ops.any(y_true > 0, axis=-1))
