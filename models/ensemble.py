"""The mean of the scores of several models, as one SavedModel that computes each feature once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from dataset.config import AudioConfig
from models import calibration, saved_model
from models.held_out import HeldOut
from models.spec import parts
from models.training.fit_record import FitRecord

NAME = "ensemble"
_MOST_MEMBERS = 3  # more gain next to nothing, and each costs time


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which models are in an ensemble, and how they do together.

    Attributes:
        members: their names, the surest first.
        temperature: of their mean, which is less sure than they are.
        held_out: its scores at that temperature.
    """

    members: Sequence[str]
    temperature: float
    held_out: HeldOut

    @property
    def log_loss(self) -> float:
        """In nats, at the precision at which it is shown."""
        return round(float(np.mean(list(self.held_out.losses().values()))), 3)


def choose(held_out: Mapping[str, HeldOut]) -> Choice | None:
    """Returns the best ensemble of some models, None where no mean is better than one of them.

    Forward selection (Caruana et al., 2004, "Ensemble selection from libraries of models"): the
    model of the lowest log-loss, then again and again the one that lowers the mean's most. It is
    measured on the clips that none of the models was fitted on, `eval` and, where all of them have
    such scores, those of `train` that were scored out of fold.

    Args:
        held_out: by name of the model.
    """
    tracks = common_tracks(held_out)
    if not len(tracks):
        return None
    known = {name: scores.of(tracks) for name, scores in sorted(held_out.items())}
    best: Choice | None = None
    while len(members := best.members if best else []) < min(_MOST_MEMBERS, len(known)):
        rest = [name for name in known if name not in members]
        choices = [_mean_of({m: known[m] for m in (*members, name)}) for name in rest]
        found = min(choices, key=lambda choice: choice.log_loss)
        if best and found.log_loss >= best.log_loss:
            break
        best = found
    if not best or len(best.members) < 2:
        return None
    members = best.members
    # The members may share more clips than all models do.
    tracks = common_tracks({name: held_out[name] for name in members})
    return _mean_of({name: held_out[name].of(tracks) for name in members})


def _mean_of(members: Mapping[str, HeldOut]) -> Choice:
    labels = next(iter(members.values()))
    mean = np.mean([member.scores for member in members.values()], axis=0)
    temperature = calibration.fit_temperature(labels.labels, mean)
    scores = calibration.scaled(mean, temperature).numpy()
    return Choice(list(members), temperature, dataclasses.replace(labels, scores=scores))


def member_dirs(model_dir: str, record: FitRecord) -> dict[str, str]:
    """Returns where the SavedModels of a best model's members lie, or the model itself, by name.

    Members lie beside the model, so that they are not pushed with it.

    Args:
        model_dir: where the SavedModel of the best model lies.
        record: of it.
    """
    if record.name != NAME:
        return {record.name: model_dir}
    beside = os.path.join(os.path.dirname(model_dir), "Members")
    return {name: os.path.join(beside, name) for name in record.hyperparameters["members"]}


def feature_of(features: Sequence[str]) -> str:
    """Returns what a mean takes whose members take these features: each part once."""
    return "+".join(sorted({key for feature in features for key in parts(feature)}))


def common_tracks(held_out: Mapping[str, HeldOut]) -> NDArray[np.int64]:
    """Returns the tracks that all models have scores of, sorted."""
    found = [set(scores.tracks.tolist()) for scores in held_out.values()]
    return np.array(sorted(set.intersection(*found)) if found else [], np.int64)


class Ensemble(tf.Module):
    """The mean of its members' scores.

    Args:
        members: the path of a SavedModel and the feature that it takes, for each.
    """

    def __init__(self, members: Sequence[tuple[str, str]]):
        super().__init__()
        self.feature = feature_of([feature for _, feature in members])
        self._parts = parts(self.feature)
        self._columns = [[self._parts.index(key) for key in parts(f)] for _, f in members]
        loaded = [tf.saved_model.load(path) for path, _ in members]
        self._functions = [model.score_features for model in loaded]
        self._scorers = [model.scorer for model in loaded]  # their variables

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
