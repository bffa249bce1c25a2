"""Scores of clips that a model was not fitted on, in a file beside the folder of its SavedModel.

The model is calibrated by them, and ensembles are chosen by them.
"""

from __future__ import annotations

import dataclasses
import io
import os

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

# What a log-loss takes a lower score for, here and on the leaderboard.
LEAST_SCORE = 1e-7
_NAME = "held_out.npz"


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Scores of held-out clips.

    Attributes:
        tracks: int64 [clips], each track once.
        labels: int64 [clips], class ids.
        scores: float32 [clips, n_classes], rows that sum to 1.
    """

    tracks: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]

    def losses(self) -> dict[int, float]:
        """Returns the log-loss of each track, in nats."""
        right = self.scores[np.arange(len(self.labels)), self.labels]
        of_track = -np.log(np.maximum(right, LEAST_SCORE))
        return dict(zip(self.tracks.tolist(), of_track.tolist(), strict=True))

    def of(self, tracks: NDArray[np.int64]) -> HeldOut:
        """Returns what is known of some of the tracks, in their order."""
        order = np.argsort(self.tracks)
        place = order[np.searchsorted(self.tracks, tracks, sorter=order)]
        return HeldOut(self.tracks[place], self.labels[place], self.scores[place])

    def and_of(self, other: HeldOut | None) -> HeldOut:
        """Returns both together, whose tracks are not the same."""
        if other is None:
            return self
        fields = [field.name for field in dataclasses.fields(self)]
        return HeldOut(*(np.concatenate([getattr(self, f), getattr(other, f)]) for f in fields))


def write(model_dir: str, held_out: HeldOut) -> None:
    """Writes scores beside `model_dir`, so that they are not pushed with the SavedModel in it."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dataclasses.asdict(held_out))
    with tf.io.gfile.GFile(_path(model_dir), "wb") as file:
        file.write(buffer.getvalue())


def read(model_dir: str) -> HeldOut | None:
    """Returns the scores beside the SavedModel in `model_dir`, None where there are none."""
    path = _path(model_dir)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        columns = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return HeldOut(**{field.name: columns[field.name] for field in dataclasses.fields(HeldOut)})


def _path(model_dir: str) -> str:
    return os.path.join(os.path.dirname(model_dir), _NAME)
