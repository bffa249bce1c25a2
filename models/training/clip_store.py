"""Clips that can be read in any order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False)
class StoredClips:
    """Clips that are shuffled before they are read, all of them, however many there are.

    Attributes:
        keys: what they are known by, int64 [clips].
        labels: their genres, int64 [clips], none below 0.
        read: what there is of a clip, such as its packed feature, from its key, scalar int64.
    """

    keys: NDArray[np.int64]
    labels: NDArray[np.int64]
    read: Callable[[tf.Tensor], tf.Tensor]

    @property
    def n_segments(self) -> int:
        """Segments of all clips, where that is what `read` gives: as many of every clip."""
        clip, _ = self.in_order().element_spec
        return len(self.keys) * int(clip.shape[0])

    def then(self, step: Callable[[tf.Tensor], tf.Tensor]) -> StoredClips:
        """Returns the same clips, with `step` taken after each of them is read."""
        return dataclasses.replace(self, read=lambda key: step(self.read(key)))

    def in_order(self) -> tf.data.Dataset:
        """Returns a dataset of (what there is of a clip, label), the same at every iteration."""
        return self._read(self._index())

    def shuffled(self, seed: int) -> tf.data.Dataset:
        """Returns the same, in another order at every iteration."""
        return self._read(self._index().shuffle(max(1, len(self.keys)), seed=seed))

    def _index(self) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices((self.keys, self.labels))

    def _read(self, index: tf.data.Dataset) -> tf.data.Dataset:
        return index.map(
            lambda key, label: (self.read(key), label), num_parallel_calls=tf.data.AUTOTUNE
        )
