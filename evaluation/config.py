"""What a model must reach, and how the best one is chosen."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from common.config import NOT_NEGATIVE, POSITIVE, SHARE, Config, Flag

# Accuracies above which a leak is likelier than a good model. Published figures on fma_small
# end at .64; for the other subsets too few are known.
MAX_CREDIBLE_ACCURACY = {"small": 0.75}


@dataclasses.dataclass(frozen=True)
class GateConfig(Config):
    """What the best model must reach on `test` to be blessed."""

    min_accuracy: Annotated[float, SHARE, Flag("minimum accuracy", "F")] = 0.3
    min_macro_f1: Annotated[float, SHARE, Flag("minimum macro-F1", "F")] = 0.25
    min_genre_recall: Annotated[float, SHARE, Flag("minimum recall of each genre", "F")] = 0.05
    # Both are measured on the clips that the last blessed model is measured on, too.
    max_drop: Annotated[
        float, SHARE,
        Flag("how far accuracy and macro-F1 may fall below the last blessed model's", "F"),
    ] = 0.02  # fmt: skip
    max_genre_drop: Annotated[
        float, SHARE,
        Flag("how far the recall of any genre may fall below the last blessed model's", "F"),
    ] = 0.25  # fmt: skip
    # With fewer a wrong clip more or less is a tenth of a recall and says little of the model.
    min_clips: Annotated[
        int, NOT_NEGATIVE,
        Flag(
            "judge the recall of a genre only where test has at least N clips of it; one with "
            "fewer counts in the overall figures alone", "N", name="gate-min-clips",
        ),
    ] = 10  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ContestConfig(Config):
    """How the best candidate is chosen, and what is too good to be true."""

    ensemble: Annotated[
        bool, Flag("let the mean of several models' scores compete with the models themselves")
    ] = True
    max_prediction_ms: Annotated[
        float | None, POSITIVE,
        Flag("how long the best model may take for a clip, in ms; default: no limit", "MS"),
    ] = None  # fmt: skip
    max_parameters: Annotated[
        int | None, POSITIVE,
        Flag("how many parameters the best model may have; default: no limit", "N"),
    ] = None  # fmt: skip
    push_unservable: Annotated[
        bool, Flag("let a model that needs more than audio be the best, and push it")
    ] = False
    max_credible_accuracy: Annotated[
        float, SHARE,
        Flag(
            "raise an alarm, for a leak is likely, where an accuracy on eval or test is higher; 1 "
            "raises none; published figures on fma_small end at 0.64; default: 0.75 for FMA's "
            "small subset, else 1", "F",
        ),
    ] = 1.0  # fmt: skip
