"""Reading what TFMA wrote: figures by name, for all clips and for every genre."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow_model_analysis as tfma

from models import features
from pipeline import eval_config
from pipeline.metrics import f1_by_class

_FIGURES = {
    "clips": eval_config.EXAMPLE_COUNT,
    "accuracy": eval_config.ACCURACY,
    "macro_f1": eval_config.MACRO_F1,
    "top_3_accuracy": eval_config.TOP_3,
    "log_loss": eval_config.LOG_LOSS,
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Figures of one model on one split.

    Attributes:
        overall: `clips`, `accuracy`, `macro_f1`, `top_3_accuracy`, `log_loss`,
            `calibration_error`.
        intervals: 95 % intervals, (low, high), of `accuracy` and `macro_f1`.
        per_genre: for each genre of the split `clips`, `precision`, `recall`, `f1`, and the 95 %
            intervals `recall_interval` and `f1_interval`, each [low, high].
        confusion: for each genre of the split, how often each was predicted.
        calibration: bins of equal width of the highest score, empty ones left out: `lower`,
            `upper`, `clips`, `mean_score`, `accuracy`.
        slices: for each feature that the split is sliced by, for each of its values: `clips`,
            `accuracy`, `accuracy_interval` as [low, high], `macro_f1`.
        mistakes: at most 12, the highest score first: `track_id`, `genre`, `predicted` and `score`,
            the score of the wrong genre.
    """

    overall: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    per_genre: dict[str, dict[str, Any]]
    confusion: dict[str, dict[str, int]]
    calibration: list[dict[str, float]]
    slices: dict[str, dict[str, dict[str, Any]]]
    mistakes: list[dict[str, Any]]


def read_evaluation(uri: str, model_name: str = "") -> Evaluation:
    """Returns the figures of a model from the folder of a ModelEvaluation artifact."""
    result = tfma.load_eval_result(uri, model_name=model_name)
    slices = result.get_metrics_for_all_slices()
    by_genre = {key[0][1]: metrics for key, metrics in slices.items() if key}
    # All the labels in a genre's slice are that genre's: this names the class ids.
    names = {next(iter(_cells(metrics)))[0]: genre for genre, metrics in by_genre.items()}
    cells = _cells(slices[()])
    overall = {name: _value(slices[()], metric) for name, metric in _FIGURES.items()}
    f1 = f1_by_class(cells.items())
    per_genre: dict[str, dict[str, Any]] = {}
    confusion = {}
    for index, genre in sorted(names.items(), key=lambda item: item[1]):
        row = {names.get(p, str(p)): int(n) for (label, p), n in cells.items() if label == index}
        hits, predicted = cells.get((index, index), 0.0), _column(cells, index)
        per_genre[genre] = {
            "clips": _value(by_genre[genre], eval_config.EXAMPLE_COUNT),
            "precision": hits / predicted if predicted else 0.0,
            "recall": _value(by_genre[genre], eval_config.ACCURACY),
            "f1": f1[index],
        }
        confusion[genre] = row
    return Evaluation(
        overall,
        intervals={},
        per_genre=per_genre,
        confusion=confusion,
        calibration=[],
        slices={},
        mistakes=[],
    )


def _column(cells: dict[tuple[int, int], float], predicted: int) -> float:
    return sum(count for (_, index), count in cells.items() if index == predicted)


def _value(metrics: dict[str, Any], name: str) -> float:
    return float(metrics[name]["doubleValue"])


def _cells(metrics: dict[str, Any]) -> dict[tuple[int, int], float]:
    """Returns {(actual class, predicted class): clips} of a slice's confusion matrix."""
    (matrix,) = metrics[eval_config.CONFUSION]["multiClassConfusionMatrixAtThresholds"]["matrices"]
    # Zeros are left out of the JSON form that TFMA gives.
    return {
        (entry.get("actualClassId", 0), entry.get("predictedClassId", 0)): float(
            entry["numWeightedExamples"]
        )
        for entry in matrix["entries"]
    }


def refusals(uri: str) -> list[str]:
    """Returns why TFMA refused a model, a sentence each; empty where it did not."""
    validation = tfma.load_validation_result(uri)
    if validation.validation_ok:
        return []
    reasons = []
    for by_slice in validation.metric_validations_per_slice:
        genre = _genre_of(by_slice.slice_key)
        for failure in by_slice.failures:
            reasons.append((genre, f"{genre or 'all genres'}: {_failure(failure, genre)}"))
    for missing in validation.missing_slices:
        reasons.append(("", f"{missing}: no clip to judge by"))
    # All genres together come first.
    return [text for _, text in sorted(reasons)] or ["TFMA refused the model and gave no reason"]


def _genre_of(key: Any) -> str:
    names = [
        column.bytes_value.decode()
        for column in key.single_slice_keys
        if column.column == features.GENRE
    ]
    return names[0] if names else ""


def _failure(failure: Any, genre: str) -> str:
    threshold = failure.metric_threshold
    names = {
        eval_config.ACCURACY: "recall" if genre else "accuracy",
        eval_config.MACRO_F1: "macro-F1",
    }
    name = names[failure.metric_key.name]
    value = failure.metric_value.double_value.value
    if failure.metric_key.is_diff:
        drop = -threshold.change_threshold.absolute.value
        return (
            f"{name} is {-value:.3f} below the last blessed model's, at most {drop:.3f} is allowed"
        )
    bound = threshold.value_threshold.lower_bound.value
    return f"{name} is {value:.3f}, at least {bound:.3f} is needed"
