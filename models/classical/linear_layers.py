"""Logistic regression and multi-layer perceptrons in TensorFlow: linear layers and softmax."""

from __future__ import annotations

import tensorflow as tf
from sklearn.neural_network import MLPClassifier

from models.classical.tf_export import Trained, float64_variable, softmax


class Head(tf.Module):
    """Linear layers with rectifiers between them, and softmax."""

    def __init__(self, trained: Trained):
        super().__init__()
        fitted = trained.classifier
        if isinstance(fitted, MLPClassifier):
            weights, intercepts = fitted.coefs_, fitted.intercepts_
        else:
            weights, intercepts = [fitted.coef_.T], [fitted.intercept_]
        self._weights = [float64_variable(one) for one in weights]
        self._intercepts = [float64_variable(one) for one in intercepts]

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        *hidden, last = zip(self._weights, self._intercepts, strict=True)
        for weights, intercept in hidden:
            inputs = tf.nn.relu(tf.matmul(inputs, weights) + intercept)
        weights, intercept = last
        return softmax(tf.matmul(inputs, weights) + intercept)
