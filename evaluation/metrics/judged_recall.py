"""Recall of a genre, where it has clips enough to be judged by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from evaluation.metrics import inputs

NAME = "judged_recall"


class JudgedRecall(metric_types.Metric):
    """Share of a slice's clips that are right; 1 where the slice has fewer than `min_clips`.

    Within the slice of a genre that is its recall. Candidate and last blessed model are measured on
    the same clips, so of a genre with too few both have 1, which no threshold refuses.
    """

    def __init__(self, name: str = NAME, min_clips: int = 0):
        """Names the metric, and says how many clips a slice needs."""
        super().__init__(inputs.per_model(_Combiner), name=name, min_clips=min_clips)


class _Combiner(inputs.ClipCombiner):
    """Counts the clips and the right ones."""

    def __init__(self, key: Any, eval_config: Any, min_clips: int):
        super().__init__(key, eval_config)
        self._min_clips = min_clips

    def create_accumulator(self) -> tuple[int, int]:
        return 0, 0

    def add_input(self, accumulator: tuple[int, int], element: Any) -> tuple[int, int]:
        label, scores = self.label_and_scores(element)
        clips, right = accumulator
        return clips + 1, right + int(np.argmax(scores) == label)

    def merge_accumulators(self, accumulators: Iterable[tuple[int, int]]) -> tuple[int, int]:
        clips, right = zip(*accumulators, strict=True)
        return sum(clips), sum(right)

    def extract_output(self, accumulator: tuple[int, int]) -> dict[Any, float]:
        clips, right = accumulator
        return {self.key: right / clips if clips and clips >= self._min_clips else 1.0}


metric_types.register_metric(JudgedRecall)
