"""TFMA metrics that TFMA does not have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import (
    multi_class_confusion_matrices,
)

_LEAST_SCORE = 1e-7
# One cell of a confusion matrix: (actual class, predicted class) and how many.
Cells = Iterable[tuple[tuple[int, int], float]]


def f1_by_class(cells: Cells) -> dict[int, float]:
    """Returns the F1 of every class that occurs as a label or a prediction.

    F1 = 2 TP / (2 TP + FP + FN), as scikit-learn has it.
    """
    hits: dict[int, float] = {}
    actual: dict[int, float] = {}
    predicted: dict[int, float] = {}
    for (label, prediction), count in cells:
        actual[label] = actual.get(label, 0.0) + count
        predicted[prediction] = predicted.get(prediction, 0.0) + count
        if label == prediction:
            hits[label] = hits.get(label, 0.0) + count
    return {
        index: 2 * hits.get(index, 0.0) / (actual.get(index, 0.0) + predicted.get(index, 0.0))
        for index in sorted(actual.keys() | predicted.keys())
    }


class MacroF1(metric_types.Metric):
    """Unweighted mean of F1 over the classes that occur, of the class with the highest score."""

    def __init__(self, name: str = "macro_f1"):
        """Names the metric."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(
    name: str,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    keys = {
        "model_name": model_name,
        "output_name": output_name,
        "example_weighted": example_weighted,
    }
    matrices = multi_class_confusion_matrices(thresholds=[0.0], eval_config=eval_config, **keys)
    matrix_key = matrices[-1].keys[-1]
    key = metric_types.MetricKey(name=name, **keys)

    def result(metrics: Mapping[Any, Any]) -> dict[Any, float]:
        cells = [
            ((entry.actual_class_id, entry.predicted_class_id), count)
            for entry, count in metrics[matrix_key][0.0].items()
        ]
        scores = f1_by_class(cells)
        return {key: sum(scores.values()) / len(scores)}

    return [*matrices, metric_types.DerivedMetricComputation(keys=[key], result=result)]


metric_types.register_metric(MacroF1)


class LogLoss(metric_types.Metric):
    """Mean cross-entropy in nats of the label's score.

    Keras' own fails on the label -1, which a blessed model of an earlier run gives to a genre that
    it does not know; here that is a score of 0, like any other score floored at 1e-7.
    """

    def __init__(self, name: str = "log_loss"):
        """Names the metric."""
        super().__init__(metric_util.merge_per_key_computations(_log_loss), name=name)


def _log_loss(
    name: str,
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    key = metric_types.MetricKey(
        name=name,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=None, combiner=_LogLossCombiner(key, eval_config)
        )
    ]


class _LogLossCombiner(beam.CombineFn):
    """Sums the losses and counts the examples."""

    def __init__(self, key: Any, eval_config: Any):
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> tuple[float, int]:
        return 0.0, 0

    def add_input(self, accumulator: tuple[float, int], element: Any) -> tuple[float, int]:
        label, scores, _ = next(
            metric_util.to_label_prediction_example_weight(
                element,
                eval_config=self._eval_config,
                model_name=self._key.model_name,
                output_name=self._key.output_name,
                flatten=False,
            )
        )
        index = int(label.item())
        score = float(scores[index]) if 0 <= index < len(scores) else 0.0
        total, count = accumulator
        return total - math.log(max(score, _LEAST_SCORE)), count + 1

    def merge_accumulators(self, accumulators: Iterable[tuple[float, int]]) -> tuple[float, int]:
        totals, counts = zip(*accumulators, strict=True)
        return sum(totals), sum(counts)

    def extract_output(self, accumulator: tuple[float, int]) -> dict[Any, float]:
        total, count = accumulator
        return {self._key: total / count if count else math.nan}


metric_types.register_metric(LogLoss)
