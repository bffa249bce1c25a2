"""How one network is trained, with nothing left open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from models.config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The values that `TrainConfig` may leave to the network; `train` has all others.

    Attributes:
        epochs: of the first stage.
        batch_size: inputs a replica and step.
        learning_rate: the highest of the first stage.
        dropout: before the output.
        label_smoothing: share of a target that goes to all classes alike.
        mixup: alpha of its Beta distribution, 0 for none.
        train: what was asked for.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    dropout: float
    label_smoothing: float
    mixup: float
    train: TrainConfig

    def values(self) -> dict[str, Any]:
        """Returns all but `train`, by name."""
        names = (field.name for field in dataclasses.fields(self) if field.name != "train")
        return {name: getattr(self, name) for name in names}


@dataclasses.dataclass(frozen=True)
class Epochs:
    """How long a network is trained by default: until it has seen so many clips.

    A small archive takes more epochs than a large one, within limits; early stopping comes on top.
    """

    clips: int
    least: int
    most: int

    def of(self, n_clips: int) -> int:
        """Returns the epochs for an archive of `n_clips` training clips."""
        return min(self.most, max(self.least, round(self.clips / max(n_clips, 1))))


def complete(train: TrainConfig, defaults: Mapping[str, Any], tuned: Mapping[str, Any]) -> Recipe:
    """Returns for each value what was asked for, else what was tuned, else the default.

    Args:
        train: as the user gave it.
        defaults: a value for every field of `Recipe` but `train`.
        tuned: what a Tuner found, by the same names.
    """
    found = {**defaults, **tuned}
    asked = {name: getattr(train, name) for name in found}
    values = {name: found[name] if value is None else value for name, value in asked.items()}
    return Recipe(**values, train=train)
