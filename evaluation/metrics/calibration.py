"""How far the highest scores are from the share of them that is right."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from evaluation.metrics import inputs

BINS = 10
# Of a bin: clips, right ones, sum of the highest scores in fixed point.
_Accumulator = list[tuple[int, int, int]]


def bins_key(key: Any) -> Any:
    """Returns the key of the bins beside that of the calibration error."""
    return key._replace(name=f"{key.name}_bins")


class CalibrationError(metric_types.Metric):
    """Expected calibration error of the highest score (Guo et al., 2017), and its bins.

    The bins have equal widths, ((i - 1) / 10, i / 10]; the error is the mean over the clips of
    |accuracy - mean score| of their bin. Beside it, as `…_bins`, stands float64 [10, 3]: clips,
    mean score and accuracy of each bin, 0 where it has no clip.
    """

    def __init__(self, name: str = "calibration_error"):
        """Names the metric."""
        super().__init__(inputs.per_model(_Combiner), name=name)


class _Combiner(inputs.ClipCombiner):
    """Counts clips and right ones, and sums their scores, bin by bin."""

    def create_accumulator(self) -> _Accumulator:
        return [(0, 0, 0)] * BINS

    def add_input(self, accumulator: _Accumulator, element: Any) -> _Accumulator:
        label, scores = self.label_and_scores(element)
        predicted = int(np.argmax(scores))
        score = float(scores[predicted])
        place = min(max(math.ceil(score * BINS) - 1, 0), BINS - 1)
        clips, right, total = accumulator[place]
        bins = list(accumulator)
        bins[place] = (clips + 1, right + (predicted == label), total + inputs.to_fixed(score))
        return bins

    def merge_accumulators(self, accumulators: Iterable[_Accumulator]) -> _Accumulator:
        return [
            (sum(clips), sum(right), sum(total))
            for clips, right, total in (
                zip(*one_bin, strict=True) for one_bin in zip(*accumulators, strict=True)
            )
        ]

    def extract_output(self, accumulator: _Accumulator) -> dict[Any, Any]:
        bins = np.zeros((BINS, 3))
        for place, (clips, right, total) in enumerate(accumulator):
            if clips:
                bins[place] = clips, inputs.from_fixed(total) / clips, right / clips
        clips, score, accuracy = bins.T
        n_clips = clips.sum()
        error = float(np.dot(clips, np.abs(accuracy - score)) / n_clips) if n_clips else math.nan
        return {self.key: error, bins_key(self.key): bins}


metric_types.register_metric(CalibrationError)
