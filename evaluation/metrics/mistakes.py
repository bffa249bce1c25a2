"""The clips that a model is most sure of and wrong about."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from evaluation.metrics import inputs

MOST = 12
# (minus the score of the predicted class, track id, label, predicted): sorted, the worst is first.
_Mistake = tuple[float, int, int, int]


class Mistakes(metric_types.Metric):
    """The wrong clips with the highest scores, at most 12, worst first.

    The value is JSON text, for TFMA would subtract a baseline's arrays: a list of [track id, label,
    predicted class, its score].
    """

    def __init__(self, name: str = "mistakes"):
        """Names the metric."""
        super().__init__(inputs.per_model(_Combiner), name=name)


class _Combiner(inputs.ClipCombiner):
    """Keeps the worst."""

    def create_accumulator(self) -> list[_Mistake]:
        return []

    def add_input(self, accumulator: list[_Mistake], element: Any) -> list[_Mistake]:
        label, scores = self.label_and_scores(element)
        predicted = int(np.argmax(scores))
        if predicted == label:
            return accumulator
        found = (-float(scores[predicted]), inputs.track_id(element), label, predicted)
        return heapq.nsmallest(MOST, [*accumulator, found])

    def merge_accumulators(self, accumulators: Iterable[list[_Mistake]]) -> list[_Mistake]:
        return heapq.nsmallest(MOST, heapq.merge(*accumulators))

    def extract_output(self, accumulator: list[_Mistake]) -> dict[Any, str]:
        rows = [[track, label, predicted, -score] for score, track, label, predicted in accumulator]
        return {self.key: json.dumps(rows)}


metric_types.register_metric(Mistakes)
