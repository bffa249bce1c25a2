"""A support vector machine with a radial basis function on a clip's statistics."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.svm import SVC

from models.classical.sklearn_model import Classical
from models.classical.tf_export import Trained, float64_variable, softmax


class Head(tf.Module):
    """The support vectors, a decision a pair of genres, and Platt's sigmoids (Platt, 1999).

    Where there are no sigmoids, for want of clips, the softmax of the decisions takes their place.
    """

    def __init__(self, trained: Trained):
        super().__init__()
        fitted = trained.classifier
        # What scikit-learn calls "scale".
        self._gamma = float64_variable(1.0 / (trained.inputs.shape[1] * trained.inputs.var()))
        self._vectors = float64_variable(fitted.support_vectors_.T)
        self._intercept = float64_variable(fitted.intercept_)
        n_genres = len(fitted.classes_)
        if n_genres == 2:
            self._weights = float64_variable(fitted.dual_coef_.T)
            self._pairs = None
        else:
            self._weights = float64_variable(_pair_weights(fitted.dual_coef_, fitted.n_support_))
            pairs = np.array(list(itertools.combinations(range(n_genres), 2)))
            # Which genre of each pair is the first, and which the second, [pairs, genres] each.
            self._pairs = np.eye(n_genres)[pairs[:, 0]], np.eye(n_genres)[pairs[:, 1]]
        self._sigmoids = (
            float64_variable(np.transpose(trained.sigmoids)) if trained.sigmoids else None
        )

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        decisions = self._decisions(inputs)
        if self._sigmoids is None:
            return softmax(decisions)
        slope, offset = tf.unstack(self._sigmoids)
        scores = tf.sigmoid(-(slope * decisions + offset))
        if self._pairs is None:
            return tf.concat([1.0 - scores, scores], axis=1)
        return scores / tf.reduce_sum(scores, axis=1, keepdims=True)

    def _decisions(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [batch, genres], or [batch, 1] for two genres: `SVC.decision_function`."""
        distance = (
            tf.reduce_sum(tf.square(inputs), axis=1, keepdims=True)
            - 2.0 * tf.matmul(inputs, self._vectors)
            + tf.reduce_sum(tf.square(self._vectors), axis=0)
        )
        kernel = tf.exp(-self._gamma * tf.maximum(distance, 0.0))
        pairs = tf.matmul(kernel, self._weights) + self._intercept
        if self._pairs is None:
            return pairs
        first, second = self._pairs
        # A vote a pair; the sum of the decisions, squashed below a vote's half, breaks ties.
        wins = tf.cast(pairs >= 0.0, tf.float64)
        votes = tf.matmul(wins, first) + tf.matmul(1.0 - wins, second)
        total = tf.matmul(pairs, first - second)
        return votes + total / (3.0 * (tf.abs(total) + 1.0))


def _pair_weights(
    dual_coef: NDArray[np.float64], n_support: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Returns float64 [vectors, pairs]: each pair's weights of the support vectors.

    LIBSVM keeps them as [genres - 1, vectors]: row j of a vector of genre i is its weight against
    genre j, or against genre j + 1 from j = i on.
    """
    genre = np.repeat(np.arange(len(n_support)), n_support)
    columns = []
    for first, second in itertools.combinations(range(len(n_support)), 2):
        weights = np.zeros(len(genre))
        weights[genre == first] = dual_coef[second - 1, genre == first]
        weights[genre == second] = dual_coef[first, genre == second]
        columns.append(weights)
    return np.stack(columns, axis=1)


MODEL = Classical(
    classifier=lambda seed: SVC(kernel="rbf", gamma="scale", decision_function_shape="ovr"),
    # A smaller C is a wider margin.
    grid=lambda n_clips: [{"C": c} for c in (1.0, 3.0, 10.0)],
    head=Head,
    seconds_per_clip=0.04,
    calibrated=True,
    # Its time grows with the square of the clips: 10,000 take minutes, 100,000 would take days.
    max_clips=10_000,
)
