"""A fitted scikit-learn pipeline in TensorFlow: the same arithmetic, in float64."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

LIMIT = 2.0  # standard deviations from the mean at which a column is clipped


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a head is made of.

    Attributes:
        classifier: the fitted scikit-learn classifier.
        inputs: float64 [clips, columns] that it was fitted on.
        labels: int64 [clips].
        sigmoids: Platt's slope and offset, one pair a genre, or one for two genres; empty for a
            classifier that is not calibrated.
    """

    classifier: Any
    inputs: NDArray[np.float64]
    labels: NDArray[np.int64]
    sigmoids: Sequence[tuple[float, float]] = ()


class Head(Protocol):
    """A `tf.Module` that is a classifier."""

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, fitted genres], rows that sum to 1, from [batch, columns]."""


class ClassicalScorer(tf.Module):
    """A fitted pipeline: packed float32 columns to scores.

    Whole numbers, such as which columns vary, are constants of the graph; all else is held in
    variables.
    """

    def __init__(self, pipeline: Pipeline, head: Head, *, n_columns: int, n_classes: int):
        super().__init__()
        self._n_columns = n_columns
        self._columns = pipeline["varying"].get_support(indices=True)
        self._mean = float64_variable(pipeline["standard"].mean_)
        self._scale = float64_variable(pipeline["standard"].scale_)
        self._components = None
        if isinstance(pca := pipeline["pca"], PCA):
            width = np.sqrt(pca.explained_variance_) if pca.whiten else 1.0
            self._components = float64_variable(pca.components_.T / width)
            self._centre = float64_variable(pca.mean_)
        self._head = head
        self._place = np.eye(n_classes)[pipeline.classes_]  # of a fitted genre among all

    @property
    def n_parameters(self) -> int:
        """How many numbers the variables hold."""
        return sum(int(variable.shape.num_elements()) for variable in self.variables)

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes] from packed features, see `models.spec.pack`.

        A genre that was not among the fitted clips scores 0.
        """
        if packed.shape.rank == 2:
            packed = tf.strings.reduce_join(packed, axis=1)
        columns = tf.ensure_shape(tf.io.decode_raw(packed, tf.float32), [None, self._n_columns])
        varying = tf.cast(tf.gather(columns, self._columns, axis=1), tf.float64)
        inputs = tf.clip_by_value((varying - self._mean) / self._scale, -LIMIT, LIMIT)
        if self._components is not None:
            inputs = tf.matmul(inputs - self._centre, self._components)
        return tf.cast(tf.matmul(self._head(inputs), self._place), tf.float32)


def float64_variable(values: Any) -> tf.Variable:
    """Returns numbers as a float64 variable, which a SavedModel keeps outside of its graph."""
    return tf.Variable(np.asarray(values, np.float64), trainable=False)


def softmax(decisions: tf.Tensor) -> tf.Tensor:
    """Returns the softmax of [batch, genres], or of [batch, 1] where one is compared with zero.

    For two genres scikit-learn's classifiers give a single decision, for the second of them.
    """
    if decisions.shape[-1] == 1:
        decisions = tf.concat([tf.zeros_like(decisions), decisions], axis=1)
    return tf.nn.softmax(decisions)
