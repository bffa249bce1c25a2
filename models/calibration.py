"""Temperature scaling (Guo et al., 2017, "On calibration of modern neural networks").

A temperature above 1 makes a model less confident of every clip, one below 1 more confident; which
genre is the most likely stays the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
import scipy.special
import tensorflow as tf
from numpy.typing import NDArray

from models.held_out import LEAST_SCORE
from models.spec import ClipScorer

_BOUNDS = (0.1, 10.0)
# Of the normal distribution of a temperature's logarithm before any clip is seen. Without it a few
# clips that all are right would make every model as confident as the bounds allow.
_PRIOR_DEVIATION = 0.25


def fit_temperature(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> float:
    """Returns the likeliest temperature, 1 where there are no clips.

    It has the lowest log-loss; with fewer clips it stays closer to 1.

    Args:
        labels: int64 [clips].
        scores: float32 [clips, n_classes], of clips that the model was not fitted on.
    """
    if not len(labels):
        return 1.0
    logits = np.log(np.maximum(scores.astype(np.float64), LEAST_SCORE))

    def minus_log_posterior(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        right = scaled[np.arange(len(labels)), labels]
        log_loss = np.mean(scipy.special.logsumexp(scaled, axis=1) - right)
        return float(log_loss + (log_temperature / _PRIOR_DEVIATION) ** 2 / (2 * len(labels)))

    found = scipy.optimize.minimize_scalar(
        minus_log_posterior, bounds=tuple(np.log(_BOUNDS)), method="bounded"
    )
    return round(float(np.exp(found.x)), 3)


def scaled(scores: Any, temperature: float) -> tf.Tensor:
    """Returns float32 scores [clips, n_classes] at a temperature; rows still sum to 1.

    A score of 0 becomes a small one: there is none that no clip could change.
    """
    return tf.nn.softmax(tf.math.log(tf.maximum(scores, LEAST_SCORE)) / temperature)


class Calibrated(tf.Module):
    """A scorer whose scores are scaled by a temperature."""

    def __init__(self, scorer: ClipScorer, temperature: float):
        super().__init__()
        self.scorer = scorer
        self._temperature = temperature

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes], rows that sum to 1, from packed features."""
        return scaled(self.scorer.clip_scores(packed), self._temperature)
