"""Intervals of accuracy, macro-F1 and the genres' recall and F1, within TFMA's own pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from evaluation.metrics import bootstrap, inputs
from evaluation.metrics.f1 import f1_by_class

NAME = "bootstrap"
ACCURACY = f"{NAME}_accuracy"
MACRO_F1 = f"{NAME}_macro_f1"
MACRO_F1_REPLICATES = f"{NAME}_macro_f1_replicates"
CLASSES = f"{NAME}_classes"


class ArtistBootstrap(metric_types.Metric):
    """Percentile intervals by a Poisson bootstrap over artists, see `bootstrap`.

    Where all replicates agree, as they do on a figure of 0 or 1, they are Jeffreys intervals on the
    number of artists, see `jeffreys`.

    TFMA's own intervals are not used: its bootstrap resamples clips, 20 times, from a generator
    whose seed cannot be set from outside and whose draws depend on the order of the clips.

    Values:

    - `bootstrap_accuracy`, `bootstrap_macro_f1`: a figure with its interval;
    - `bootstrap_macro_f1_replicates`: float64 [N_REPLICATES], for comparing two models in pairs,
      NaN throughout where there are no two artists;
    - `bootstrap_classes`: JSON text, {class id: {"recall": [low, high], "f1": [low, high]}}.
    """

    def __init__(self, name: str = NAME):
        """Names the metric; the values have names of their own."""
        super().__init__(inputs.per_model(_Combiner), name=name)


class _Combiner(inputs.ClipCombiner):
    """Counts an artist's clips by label and prediction; memory grows with artists, not clips."""

    def create_accumulator(self) -> Counter[tuple[int, int, int]]:
        return Counter()

    def add_input(
        self, accumulator: Counter[tuple[int, int, int]], element: Any
    ) -> Counter[tuple[int, int, int]]:
        label, scores = self.label_and_scores(element)
        accumulator[inputs.cluster(element), label, int(np.argmax(scores))] += 1
        return accumulator

    def merge_accumulators(
        self, accumulators: Iterable[Counter[tuple[int, int, int]]]
    ) -> Counter[tuple[int, int, int]]:
        merged: Counter[tuple[int, int, int]] = Counter()
        for counts in accumulators:
            merged.update(counts)
        return merged

    def extract_output(self, accumulator: Counter[tuple[int, int, int]]) -> dict[Any, Any]:
        # In one order, whatever that of the clips was.
        counts = dict(sorted(accumulator.items()))
        replicates = bootstrap.replicate(counts)
        cells: Counter[tuple[int, int]] = Counter()
        for (_, label, predicted), count in counts.items():
            cells[label, predicted] += count
        n_clips = sum(cells.values())
        right = sum(count for (label, predicted), count in cells.items() if label == predicted)
        f1 = f1_by_class((cell, float(count)) for cell, count in cells.items()).values()
        classes = {
            index: {
                "recall": replicates.recall_interval(index),
                "f1": replicates.f1_interval(index),
            }
            for index in replicates.f1
        }
        accuracy = _bounded(right / n_clips, replicates.accuracy_interval())
        macro_f1 = _bounded(sum(f1) / len(f1), replicates.macro_f1_interval())
        return {
            self._named(ACCURACY): accuracy,
            self._named(MACRO_F1): macro_f1,
            self._named(MACRO_F1_REPLICATES): replicates.comparable_macro_f1,
            self._named(CLASSES): json.dumps(classes),
        }

    def _named(self, name: str) -> Any:
        return self.key._replace(name=name)


def _bounded(value: float, interval: tuple[float, float]) -> Any:
    bounded = metrics_for_slice_pb2.BoundedValue(
        methodology=metrics_for_slice_pb2.BoundedValue.POISSON_BOOTSTRAP
    )
    bounded.value.value = value
    bounded.lower_bound.value, bounded.upper_bound.value = interval
    return bounded


metric_types.register_metric(ArtistBootstrap)
