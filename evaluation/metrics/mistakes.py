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
TOP = 3
# (minus the highest score, track id, label, its score, the first classes and their scores):
# sorted, the worst is first.
_Mistake = tuple[float, int, int, float, list[tuple[int, float]]]


class Mistakes(metric_types.Metric):
    """The wrong clips with the highest scores, at most 12, worst first.

    The value is JSON text, for TFMA would subtract a baseline's arrays: a list of [track id, label,
    its score, [class, score] of the three highest scores, the highest first].
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
        if int(np.argmax(scores)) == label:
            return accumulator
        first = np.argsort(-scores, kind="stable")[:TOP]
        top = [(int(index), float(scores[index])) for index in first]
        of_label = inputs.score_of(label, scores)
        found = (-top[0][1], inputs.track_id(element), label, of_label, top)
        return heapq.nsmallest(MOST, [*accumulator, found])

    def merge_accumulators(self, accumulators: Iterable[list[_Mistake]]) -> list[_Mistake]:
        return heapq.nsmallest(MOST, heapq.merge(*accumulators))

    def extract_output(self, accumulator: list[_Mistake]) -> dict[Any, str]:
        rows = [[track, label, score, top] for _, track, label, score, top in accumulator]
        return {self.key: json.dumps(rows)}


metric_types.register_metric(Mistakes)
