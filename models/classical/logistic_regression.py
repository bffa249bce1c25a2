"""Multinomial logistic regression on a clip's statistics."""

from __future__ import annotations

import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from models.classical.sklearn_model import Classical
from models.classical.tf_export import Trained, held, softmax


class Head(tf.Module):
    """A linear layer and softmax."""

    def __init__(self, trained: Trained):
        super().__init__()
        self._weights = held(trained.classifier.coef_.T)
        self._intercept = held(trained.classifier.intercept_)

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        return softmax(tf.matmul(inputs, self._weights) + self._intercept)


MODEL = Classical(
    # lbfgs, the default, draws nothing at random.
    classifier=lambda seed: LogisticRegression(max_iter=1_000),
    components=(50, None),
    grid=lambda n_clips: [{"C": c} for c in (0.003, 0.01, 0.03, 0.1, 0.3)],
    head=Head,
    seconds_per_clip=0.004,
)
