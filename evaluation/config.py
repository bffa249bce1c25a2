"""What a model must reach, and how the best one is chosen: frozen, validated values."""

from __future__ import annotations

import dataclasses

from common.config import require

# Accuracies above which a leak is likelier than a good model. Published figures on fma_small
# end at .64; for the other subsets too few are known.
MAX_CREDIBLE_ACCURACY = {"small": 0.75}


@dataclasses.dataclass(frozen=True)
class GateConfig:
    """What the best model must reach on `test` to be blessed.

    `min_genre_recall` is the floor for every single genre; `max_drop` is how far accuracy and
    macro-F1 may fall below those of the last blessed model, measured on the same clips, and
    `max_genre_drop` how far the recall of any genre may: one clip of four, by default, for a genre
    has few clips in a small test split.
    """

    min_accuracy: float = 0.3
    min_macro_f1: float = 0.25
    min_genre_recall: float = 0.05
    max_drop: float = 0.02
    max_genre_drop: float = 0.25

    def __post_init__(self) -> None:
        """Raises ValueError for a threshold outside [0, 1]."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            require(0 <= value <= 1, f"{field.name} must be in [0, 1]", value)


@dataclasses.dataclass(frozen=True)
class ContestConfig:
    """How the best candidate is chosen, and what is too good to be true.

    `push_unservable` lets a model that needs more than audio be the best and be pushed. An accuracy
    above `max_credible_accuracy` raises an alarm; 1 raises none.
    """

    push_unservable: bool = False
    max_credible_accuracy: float = 1.0

    def __post_init__(self) -> None:
        """Raises ValueError for an accuracy outside [0, 1]."""
        require(
            0 <= self.max_credible_accuracy <= 1,
            "max_credible_accuracy must be in [0, 1]",
            self.max_credible_accuracy,
        )
