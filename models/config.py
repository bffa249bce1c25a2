"""How models are trained: frozen, validated values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

from common.config import require

FEATURE_SETS = ("audio", "fma")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How every model is trained; `None` leaves a value to the model's own default.

    `mixup` is the alpha of its Beta distribution, 0 for none. `augmentation` switches all that
    changes a network's inputs by chance, mixup included. `mobilenet_weights` is `imagenet`, `none`
    or a path; `mobilenet_weights_digest` stands for the content of that file in the cache key.
    `feature_set` is what the classical models read: the statistics of the audio, or the columns of
    FMA's `features.csv`. `pca_components` is how many principal components they make of it, 0 for
    none.
    """

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    patience: int = 8
    seed: int = 0
    dropout: float | None = None
    label_smoothing: float | None = None
    mixup: float | None = None
    augmentation: bool = True
    mobilenet_weights: str = "imagenet"
    mobilenet_weights_digest: str = ""
    fine_tune_epochs: int | None = None
    fine_tune_blocks: int = 10
    feature_set: str = "audio"
    pca_components: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a count or rate that nothing could be trained with."""
        for name in ("epochs", "batch_size", "learning_rate"):
            value = getattr(self, name)
            valid = value is None or (value > 0 and math.isfinite(value))
            require(valid, f"{name} must be positive and finite", value)
        require(self.patience > 0, "patience must be positive", self.patience)
        require(
            0 <= self.seed < 2**32, "seed must be a whole number from 0 to 2**32 - 1", self.seed
        )
        for name in ("dropout", "label_smoothing"):
            share = getattr(self, name)
            require(share is None or 0 <= share < 1, f"{name} must be in [0, 1)", share)
        for name in ("mixup", "fine_tune_epochs"):
            number = getattr(self, name)
            valid = number is None or (number >= 0 and math.isfinite(number))
            require(valid, f"{name} must not be negative", number)
        require(
            1 <= self.fine_tune_blocks <= 16,
            "fine_tune_blocks must be from 1 to 16, the inverted-residual blocks of MobileNetV2",
            self.fine_tune_blocks,
        )
        require(
            self.feature_set in FEATURE_SETS,
            f"feature_set must be one of {FEATURE_SETS}",
            self.feature_set,
        )
        require(
            self.pca_components is None or self.pca_components >= 0,
            "pca_components must not be negative",
            self.pca_components,
        )

    def only(self, settings: Collection[str]) -> TrainConfig:
        """Returns the configuration with all but the seed and `settings` at their defaults.

        A model is then not trained again because of a value that only other models read.
        """
        kept = {name: getattr(self, name) for name in ("seed", *settings)}
        return TrainConfig(**kept)
