"""How far the highest scores are from the share of them that is right, calibrated and before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

from evaluation.metrics import inputs

BINS = 10
# Of a bin: clips, right ones, sum of the highest scores in fixed point.
_Bins = list[tuple[int, int, int]]


def bins_key(key: Any) -> Any:
    """Returns the key of the bins beside that of the calibration error."""
    return key._replace(name=f"{key.name}_bins")


def before_key(key: Any) -> Any:
    """Returns the key of the calibration error of the scores before calibration."""
    return key._replace(name=f"{key.name}_before")


class CalibrationError(metric_types.Metric):
    """Expected calibration error of the highest score (Guo et al., 2017), and its bins.

    The bins have equal widths, ((i - 1) / 10, i / 10]; the error is the mean over the clips of
    |accuracy - mean score| of their bin. Beside it, as `…_bins`, stands float64 [10, 3]: clips,
    mean score and accuracy of each bin, 0 where it has no clip. With the temperature that the
    scores were calibrated with, both are there once more for the scores before, as `…_before` and
    `…_before_bins`.
    """

    def __init__(self, name: str = "calibration_error", temperature: float | None = None):
        """Names the metric, and tells it the temperature of the scores where it is known."""
        super().__init__(inputs.per_model(_Combiner), name=name, temperature=temperature)


def uncalibrated(scores: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float64]:
    """Returns scores [n_classes] as they were before `models.calibration.scaled`.

    That made them softmax(log p / T), in proportion to p^(1/T): p is in proportion to their T-th
    power.
    """
    powers = scores.astype(np.float64) ** temperature
    return np.asarray(powers / powers.sum())


class _Combiner(inputs.ClipCombiner):
    """Counts clips and right ones, and sums their scores, bin by bin."""

    def __init__(self, key: Any, eval_config: Any, temperature: float | None):
        super().__init__(key, eval_config)
        self._temperature = temperature

    def create_accumulator(self) -> list[_Bins]:
        return [[(0, 0, 0)] * BINS for _ in self._keys()]

    def add_input(self, accumulator: list[_Bins], element: Any) -> list[_Bins]:
        label, scores = self.label_and_scores(element)
        predicted = int(np.argmax(scores))
        highest = [float(scores[predicted])]
        if self._temperature is not None:
            highest.append(float(uncalibrated(scores, self._temperature)[predicted]))
        return [
            _with_clip(bins, score, predicted == label)
            for bins, score in zip(accumulator, highest, strict=True)
        ]

    def merge_accumulators(self, accumulators: Iterable[list[_Bins]]) -> list[_Bins]:
        return [_merged(bins) for bins in zip(*accumulators, strict=True)]

    def extract_output(self, accumulator: list[_Bins]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, sums in zip(self._keys(), accumulator, strict=True):
            bins = _figures(sums)
            clips, score, accuracy = bins.T
            n_clips = clips.sum()
            gaps = np.dot(clips, np.abs(accuracy - score))
            found[key] = float(gaps / n_clips) if n_clips else math.nan
            found[bins_key(key)] = bins
        return found

    def _keys(self) -> list[Any]:
        return [self.key] if self._temperature is None else [self.key, before_key(self.key)]


def _with_clip(bins: _Bins, score: float, is_right: bool) -> _Bins:
    place = min(max(math.ceil(score * BINS) - 1, 0), BINS - 1)
    clips, right, total = bins[place]
    added = (clips + 1, right + is_right, total + inputs.to_fixed(score))
    return [*bins[:place], added, *bins[place + 1 :]]


def _merged(parts: Iterable[_Bins]) -> _Bins:
    columns = (zip(*one_bin, strict=True) for one_bin in zip(*parts, strict=True))
    return [(sum(clips), sum(right), sum(total)) for clips, right, total in columns]


def _figures(sums: _Bins) -> NDArray[np.float64]:
    """Returns clips, mean score and accuracy of each bin, float64 [BINS, 3]."""
    bins = np.zeros((BINS, 3))
    for place, (clips, right, total) in enumerate(sums):
        if clips:
            bins[place] = clips, inputs.from_fixed(total) / clips, right / clips
    return bins


metric_types.register_metric(CalibrationError)
