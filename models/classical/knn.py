"""k nearest neighbours among the train clips, by the angle between whitened statistics.

Whitening makes the 490 columns, most of which say the same several times, count once; the angle
takes out how far from the average a clip is, which differs more between recordings than between
genres.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from models.classical.sklearn_model import Classical
from models.classical.tf_export import Trained, float64_variable

# Nearer than this is the same clip: below it, distances are rounding errors of the cosine.
_NEAREST = 1e-6


def closeness(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the weights of neighbours: the inverse of their cosine distances."""
    return 1.0 / np.maximum(distances, _NEAREST)


class Head(tf.Module):
    """The neighbours and a vote among the nearest of them."""

    def __init__(self, trained: Trained):
        super().__init__()
        inputs = trained.inputs
        length = np.linalg.norm(inputs, axis=1, keepdims=True)
        self._neighbours = float64_variable((inputs / np.where(length > 0, length, 1.0)).T)
        self._labels = np.searchsorted(trained.classifier.classes_, trained.labels)
        self._n_genres = len(trained.classifier.classes_)
        self._k = trained.classifier.n_neighbors

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns float64 [batch, genres] from float64 [batch, columns]."""
        cosine = tf.matmul(tf.math.l2_normalize(inputs, axis=1), self._neighbours)
        # Among equals the first, by track id, is taken.
        cosine, nearest = tf.math.top_k(cosine, self._k)
        weight = 1.0 / tf.maximum(1.0 - cosine, _NEAREST)
        genre = tf.one_hot(tf.gather(self._labels, nearest), self._n_genres, dtype=tf.float64)
        votes = tf.reduce_sum(weight[:, :, tf.newaxis] * genre, axis=1)
        return votes / tf.reduce_sum(votes, axis=1, keepdims=True)


MODEL = Classical(
    classifier=lambda seed: KNeighborsClassifier(
        weights=closeness, metric="cosine", algorithm="brute"
    ),
    # More neighbours are a smoother, simpler model.
    grid=lambda n_clips: [{"n_neighbors": min(k, n_clips)} for k in (20, 10)],
    head=Head,
    seconds_per_clip=0.001,
    components=(50,),
    whiten=True,
    # They are all held: 20,000 by 50 numbers are 8 MB, and scoring a clip takes a millisecond.
    max_clips=20_000,
)
