"""Cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tensorflow_model_analysis.metrics import metric_types

from evaluation.metrics import inputs
from models.held_out import LEAST_SCORE


class LogLoss(metric_types.Metric):
    """Mean cross-entropy in nats of the label's score.

    Keras' own fails on the label -1, which a blessed model of an earlier run gives to a genre that
    it does not know; here that is a score of 0, like any other score floored at 1e-7.
    """

    def __init__(self, name: str = "log_loss"):
        """Names the metric."""
        super().__init__(inputs.per_model(_Combiner), name=name)


class _Combiner(inputs.ClipCombiner):
    """Sums the losses, in fixed point, and counts the clips."""

    def create_accumulator(self) -> tuple[int, int]:
        return 0, 0

    def add_input(self, accumulator: tuple[int, int], element: Any) -> tuple[int, int]:
        label, scores = self.label_and_scores(element)
        loss = -math.log(max(inputs.score_of(label, scores), LEAST_SCORE))
        total, count = accumulator
        return total + inputs.to_fixed(loss), count + 1

    def merge_accumulators(self, accumulators: Iterable[tuple[int, int]]) -> tuple[int, int]:
        totals, counts = zip(*accumulators, strict=True)
        return sum(totals), sum(counts)

    def extract_output(self, accumulator: tuple[int, int]) -> dict[Any, float]:
        total, count = accumulator
        return {self.key: inputs.from_fixed(total) / count if count else math.nan}


metric_types.register_metric(LogLoss)
