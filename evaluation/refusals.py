"""Why TFMA refused a model: the thresholds that it missed."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow_model_analysis as tfma

from evaluation import eval_config
from evaluation.metrics import judged_recall
from features import example_keys

ACCURACY, MACRO_F1, RECALL = "accuracy", "macro-F1", "recall"
_FIGURES = {
    eval_config.ACCURACY: ACCURACY,
    eval_config.MACRO_F1: MACRO_F1,
    judged_recall.NAME: RECALL,
}


@dataclasses.dataclass(frozen=True)
class Miss:
    """A threshold that a model missed.

    Attributes:
        genre: whose recall it is about, empty where it is about all genres.
        figure: `accuracy`, `macro-F1` or `recall`.
        is_drop: whether it is about the difference from the last blessed model.
        value: of the figure, or how far it is above the last blessed model's.
        bound: the least that is allowed.
    """

    genre: str
    figure: str
    is_drop: bool
    value: float
    bound: float

    def __str__(self) -> str:
        start = f"{self.genre or 'all genres'}: {self.figure} is"
        if self.is_drop:
            return (
                f"{start} {-self.value:.3f} below the last blessed model's, "
                f"at most {-self.bound:.3f} is allowed"
            )
        return f"{start} {self.value:.3f}, at least {self.bound:.3f} is needed"


def misses(uri: str) -> list[Miss]:
    """Returns the thresholds that a model missed, those of all genres together first.

    Args:
        uri: folder of the Evaluator's ModelEvaluation.
    """
    found = [
        _miss(_genre_of(by_slice.slice_key), failure)
        for by_slice in tfma.load_validation_result(uri).metric_validations_per_slice
        for failure in by_slice.failures
    ]
    return sorted(found, key=lambda miss: (miss.genre, str(miss)))


def refusals(uri: str) -> list[str]:
    """Returns why TFMA refused a model, a sentence each; empty where it did not."""
    if tfma.load_validation_result(uri).validation_ok:
        return []
    return [str(miss) for miss in misses(uri)] or ["TFMA refused the model and gave no reason"]


def _genre_of(key: Any) -> str:
    names = [
        column.bytes_value.decode()
        for column in key.single_slice_keys
        if column.column == example_keys.GENRE
    ]
    return names[0] if names else ""


def _miss(genre: str, failure: Any) -> Miss:
    threshold = failure.metric_threshold
    is_drop = failure.metric_key.is_diff
    bound = (
        threshold.change_threshold.absolute.value
        if is_drop
        else threshold.value_threshold.lower_bound.value
    )
    value = failure.metric_value.double_value.value
    # The bound as the user gave it, without what `gate_config` forgives float32.
    return Miss(genre, _FIGURES[failure.metric_key.name], is_drop, value, round(bound, 5))
