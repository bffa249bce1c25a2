"""How models are trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Annotated, Literal

from common.config import NOT_NEGATIVE, POSITIVE, Bounds, Config, Flag

_BELOW_1 = Bounds(ge=0, lt=1)


@dataclasses.dataclass(frozen=True)
class TrainConfig(Config):
    """How every model is trained; `None` leaves a value to the model's own default."""

    epochs: Annotated[
        int | None, POSITIVE, Flag("maximum number of epochs; default: the model's own", "N")
    ] = None
    batch_size: Annotated[
        int | None, POSITIVE, Flag("clips in a batch, per replica; default: the model's own", "N")
    ] = None
    learning_rate: Annotated[
        float | None, POSITIVE, Flag("learning rate; default: the model's own", "R")
    ] = None
    patience: Annotated[
        int, POSITIVE, Flag("epochs without improvement before training stops", "N")
    ] = 8
    seed: Annotated[int, Bounds(ge=0, le=2**32 - 1), Flag("random seed", "N")] = 0
    dropout: Annotated[
        float | None, _BELOW_1, Flag("dropout rate of a network; default: the model's own", "F")
    ] = None
    label_smoothing: Annotated[
        float | None, _BELOW_1,
        Flag("share of a target that all genres get alike; default: the model's own", "F"),
    ] = None  # fmt: skip
    mixup: Annotated[
        float | None, NOT_NEGATIVE,
        Flag("alpha of mixup's Beta distribution, 0 for none; default: the model's own", "A"),
    ] = None  # fmt: skip
    augmentation: Annotated[
        bool, Flag("mask, shift, mix and amplify a network's inputs at random")
    ] = True
    mobilenet_weights: Annotated[
        str, Flag("imagenet (downloaded by Keras), none, or the path of a no-top weights file", "W")
    ] = "imagenet"
    # Stands for the content of the weights file in the cache key.
    mobilenet_weights_digest: str = ""
    fine_tune_epochs: Annotated[
        int | None, NOT_NEGATIVE,
        Flag(
            "epochs for the top of MobileNetV2 and musicnn_tuned, after their head; default: some "
            "where what is below has been trained", "N",
        ),
    ] = None  # fmt: skip
    fine_tune_blocks: Annotated[
        int, Bounds(ge=1, le=16), Flag("how many of MobileNetV2's 16 blocks are fine-tuned", "N")
    ] = 10
    feature_set: Annotated[
        Literal["audio", "fma"],
        Flag(
            "what classical models read: statistics of the audio, or the columns of FMA's "
            "features.csv, which a model then needs for every clip that it classifies"
        ),
    ] = "audio"
    pca_components: Annotated[
        int | None, NOT_NEGATIVE,
        Flag("principal components of classical models, 0 for none; default: the model's own", "N"),
    ] = None  # fmt: skip

    refit: Annotated[
        bool,
        Flag(
            "fit the best model once more, on train and eval, before test judges it; a network up "
            "to its best epoch"
        ),
    ] = True

    def only(self, settings: Collection[str]) -> TrainConfig:
        """Returns the configuration with all but the seed and `settings` at their defaults.

        A model is then not trained again because of a value that only other models read.
        """
        kept = {name: getattr(self, name) for name in ("seed", *settings)}
        return TrainConfig(**kept)
