"""What a network is trained towards: smoothed targets, and how much each genre counts."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# A genre with a handful of clips would otherwise outweigh all others in the batch that has one.
MAX_CLASS_WEIGHT = 10.0


def class_weights(counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Returns float32 [n_classes]: the inverse frequencies, so that rare genres count as much.

    They are scaled so that the mean over the clips is 1, which leaves the learning rate what it is.
    None is above `MAX_CLASS_WEIGHT` times the mean before that.

    Args:
        counts: int64 [n_classes], clips of each genre; a genre without a clip gets weight 0.
    """
    present = counts > 0
    balanced = counts.sum() / (present.sum() * np.maximum(counts, 1))
    weights = np.where(present, np.minimum(balanced, MAX_CLASS_WEIGHT), 0.0)
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)


def smooth(targets: tf.Tensor, amount: float) -> tf.Tensor:
    """Returns targets of which `amount` is spread over all classes (Szegedy et al., CVPR 2016).

    Args:
        targets: float32 [..., n_classes] that sum to 1.
        amount: from 0, which changes nothing, to below 1.
    """
    return targets * (1.0 - amount) + amount / targets.shape[-1]
