"""F1 of every class, and its mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.metrics.multi_class_confusion_matrix_metrics import (
    multi_class_confusion_matrices,
)

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
