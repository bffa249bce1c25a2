"""What is known of a candidate's training, in a file beside its SavedModel."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from common import strict_json

TRAINED, FAILED = "trained", "failed"
# Where the SavedModel format has room for files of others.
_FOLDER = "assets.extra"
_NAME = "fit.json"


@dataclasses.dataclass(frozen=True)
class FitRecord:
    """How one candidate came about, or why it did not.

    Attributes:
        name: of the model.
        status: `trained` or `failed`.
        reason: a sentence where it failed.
        feature: the transformed feature that it takes.
        genres: names by class id, as the model knows them.
        servable: whether audio alone is enough to score a clip.
        parameters: numbers that the SavedModel's scorer holds.
        training_seconds: from the first look at the data to the last weight; of a training that
            was interrupted those of the process that ended it.
        hyperparameters: what it was trained with.
        curves: see `models.spec.TrainedModel`.
    """

    name: str
    status: str = TRAINED
    reason: str | None = None
    feature: str | None = None
    genres: Sequence[str] = ()
    servable: bool = True
    parameters: int | None = None
    training_seconds: float | None = None
    hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    curves: Sequence[Mapping[str, Any]] = ()

    @property
    def tuned(self) -> Sequence[str]:
        """Names of the hyperparameters that a Tuner found."""
        return tuple(self.hyperparameters.get("tuned", ()))

    @property
    def temperature(self) -> float | None:
        """The temperature of its scores, None if they are not calibrated."""
        return self.hyperparameters.get("temperature")


def write(model_dir: str, record: FitRecord) -> None:
    """Writes a record beside the SavedModel in `model_dir`; the two travel together.

    A figure that is no number, such as the loss of an epoch that diverged, is written as null.
    """
    path = _path(model_dir)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(strict_json.dumps(dataclasses.asdict(record), indent=2))


def exists(model_dir: str) -> bool:
    """Returns whether there is a record beside the SavedModel in `model_dir`."""
    return bool(tf.io.gfile.exists(_path(model_dir)))


def read(model_dir: str) -> FitRecord:
    """Returns the record beside the SavedModel in `model_dir`.

    Raises:
        tf.errors.NotFoundError: where there is none.
    """
    with tf.io.gfile.GFile(_path(model_dir)) as file:
        return FitRecord(**json.load(file))


def _path(model_dir: str) -> str:
    return os.path.join(model_dir, _FOLDER, _NAME)
