"""Gaussian naive Bayes on the principal components of a clip's statistics.

Components are uncorrelated over all clips, which is nearer to what naive Bayes takes for granted
than the statistics are.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from sklearn.naive_bayes import GaussianNB

from models.classical.sklearn_model import Classical
from models.classical.tf_export import Trained, float64_variable, softmax


class Head(tf.Module):
    """A normal distribution a genre and column."""

    def __init__(self, trained: Trained):
        super().__init__()
        fitted = trained.classifier
        self._mean = float64_variable(fitted.theta_)
        self._variance = float64_variable(fitted.var_)
        # What of the logarithm does not depend on the clip.
        self._offset = float64_variable(
            np.log(fitted.class_prior_) - 0.5 * np.log(2.0 * np.pi * fitted.var_).sum(axis=1)
        )

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        distance = tf.math.squared_difference(inputs[:, tf.newaxis, :], self._mean)
        distance = tf.reduce_sum(distance / self._variance, axis=2)
        return softmax(self._offset - 0.5 * distance)


MODEL = Classical(
    classifier=lambda seed: GaussianNB(),
    # More smoothing makes the genres' variances more alike, which is a simpler model.
    grid=lambda n_clips: [{"var_smoothing": share} for share in (0.1, 0.01, 1e-9)],
    head=Head,
    seconds_per_clip=0.004,
    components=(50, 100),
)
