"""A multi-layer perceptron with one hidden layer on a clip's statistics."""

from __future__ import annotations

import tensorflow as tf
from sklearn.neural_network import MLPClassifier

from models.classical.sklearn_model import Classical
from models.classical.tf_export import Trained, held, softmax

_HIDDEN = 64
# Few: stopping early is what keeps it from learning a few hundred clips by heart.
_STEPS = 50


class Head(tf.Module):
    """Linear layers with rectifiers between them, and softmax."""

    def __init__(self, trained: Trained):
        super().__init__()
        self._weights = [held(weights) for weights in trained.classifier.coefs_]
        self._intercepts = [held(intercept) for intercept in trained.classifier.intercepts_]

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        *hidden, last = zip(self._weights, self._intercepts, strict=True)
        for weights, intercept in hidden:
            inputs = tf.nn.relu(tf.matmul(inputs, weights) + intercept)
        weights, intercept = last
        return softmax(tf.matmul(inputs, weights) + intercept)


MODEL = Classical(
    # All clips in every step: on a few hundred, or thousand, the quicker way, and nothing but the
    # first weights is drawn at random.
    classifier=lambda seed: MLPClassifier(
        (_HIDDEN,), solver="lbfgs", max_iter=_STEPS, random_state=seed
    ),
    # More decay of the weights is a simpler model.
    grid=lambda n_clips: [{"alpha": alpha} for alpha in (100.0, 30.0, 10.0)],
    head=Head,
    seconds_per_clip=0.006,
)
