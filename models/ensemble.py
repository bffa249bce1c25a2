"""The mean of the scores of several models, as one SavedModel that computes each feature once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from dataset.config import AudioConfig
from models import calibration, saved_model
from models.held_out import HeldOut

NAME = "ensemble"


def choose(held_out: Mapping[str, HeldOut]) -> tuple[list[str], float]:
    """Returns the members, the surest first, and the temperature of their mean.

    Forward selection (Caruana et al., 2004, "Ensemble selection from libraries of models"): the
    model of the lowest log-loss, then again and again the one that lowers the mean's most, each
    mean at its own temperature, since it is less sure than its members. It is measured on the clips
    that none of the models was fitted on, `eval` and, where all of them have such scores, those of
    `train` that were scored out of fold. There are no members where no mean is better than a model
    alone.

    Args:
        held_out: by name of the model.
    """
    if len(held_out) < 2:
        return [], 1.0
    tracks = common_tracks(held_out)
    known = {name: scores.of(tracks) for name, scores in sorted(held_out.items())}
    labels = next(iter(known.values())).labels
    members: list[str] = []
    best, temperature = np.inf, 1.0
    while rest := [name for name in known if name not in members]:
        means = [np.mean([known[m].scores for m in (*members, name)], axis=0) for name in rest]
        temperatures = [calibration.fit_temperature(labels, mean) for mean in means]
        losses = [
            log_loss(labels, calibration.scaled(mean, at).numpy())
            for mean, at in zip(means, temperatures, strict=True)
        ]
        # As it is shown, so that no digit that nobody sees decides.
        if round(min(losses), 3) >= best:
            break
        place = int(np.argmin(losses))
        best, temperature = round(losses[place], 3), temperatures[place]
        members.append(rest[place])
    return (members, temperature) if len(members) > 1 else ([], 1.0)


def common_tracks(held_out: Mapping[str, HeldOut]) -> NDArray[np.int64]:
    """Returns the tracks that all models have scores of, sorted."""
    found = [set(scores.tracks.tolist()) for scores in held_out.values()]
    return np.array(sorted(set.intersection(*found)), np.int64)


def log_loss(labels: NDArray[np.int64], scores: NDArray[np.float32]) -> float:
    """Returns the mean log-loss in nats a clip; scores are floored at 1e-7."""
    right = scores[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, 1e-7)).mean())


class Ensemble(tf.Module):
    """The mean of its members' scores.

    Args:
        members: the path of a SavedModel and the feature that it takes, for each.
    """

    def __init__(self, members: Sequence[tuple[str, str]]):
        super().__init__()
        keys = [feature.split("+") for _, feature in members]
        self._parts = sorted({key for member in keys for key in member})
        self._columns = [[self._parts.index(key) for key in member] for member in keys]
        loaded = [tf.saved_model.load(path) for path, _ in members]
        self._functions = [model.score_features for model in loaded]
        self._scorers = [model.scorer for model in loaded]  # their variables

    @property
    def feature(self) -> str:
        """The features of all members, each once."""
        return "+".join(self._parts)

    def clip_scores(self, packed: tf.Tensor) -> tf.Tensor:
        """Returns float32 [batch, n_classes] from packed features, see `ClipScorer`."""
        columns = tf.reshape(packed, [-1, len(self._parts)])
        scores = [
            score(columns[:, places[0]] if len(places) == 1 else tf.gather(columns, places, axis=1))
            for score, places in zip(self._functions, self._columns, strict=True)
        ]
        return tf.reduce_mean(tf.stack(scores), axis=0)


def export(
    directory: str,
    members: Sequence[tuple[str, str]],
    temperature: float,
    transform_output: tft.TFTransformOutput,
    config: AudioConfig,
) -> None:
    """Writes the ensemble of some SavedModels as one; see `models.saved_model.export`.

    Args:
        directory: where to write.
        members: the path of a SavedModel and the feature that it takes, for each; all servable.
        temperature: of the mean.
        transform_output: Transform's output, on which all were trained.
        config: how a clip is cut.
    """
    mean = Ensemble(members)
    saved_model.export(
        directory,
        scorer=calibration.Calibrated(mean, temperature),
        feature=mean.feature,
        servable=True,
        transform_output=transform_output,
        config=config,
    )
