"""Reading what TFMA wrote: figures by name, for all clips and for every genre."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray

from evaluation import eval_config
from evaluation.metrics import intervals
from evaluation.metrics.f1 import f1_by_class
from features import example_keys

_FIGURES = {
    "clips": eval_config.EXAMPLE_COUNT,
    "accuracy": eval_config.ACCURACY,
    "macro_f1": eval_config.MACRO_F1,
    "top_3_accuracy": eval_config.TOP_3,
    "log_loss": eval_config.LOG_LOSS,
    "calibration_error": eval_config.CALIBRATION_ERROR,
    "calibration_error_before": f"{eval_config.CALIBRATION_ERROR}_before",
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
        calibration_before: the same of the scores before calibration, empty where the evaluation
            was not told their temperature. `overall` then has `calibration_error_before`, too.
        slices: for each feature that the split is sliced by, for each of its values, empty where
            it is not known: `clips`, `accuracy`, `accuracy_interval` as [low, high], `macro_f1`.
        mistakes: at most 12, the highest score first: `track_id`, `genre`, `predicted`; `score`,
            that of the wrong genre; `genre_score`, of the right one; `top`, the three highest.
    """

    overall: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    per_genre: dict[str, dict[str, Any]]
    confusion: dict[str, dict[str, int]]
    calibration: list[dict[str, float]]
    calibration_before: list[dict[str, float]]
    slices: dict[str, dict[str, dict[str, Any]]]
    mistakes: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Figures of the last blessed model on the same clips.

    Attributes:
        overall: `accuracy`, `macro_f1`.
        recall: by genre; 0 where the model does not know it.
    """

    overall: dict[str, float]
    recall: dict[str, float]


def read_baseline(uri: str) -> Baseline | None:
    """Returns the figures that the candidate was compared with, None without a last blessed model.

    Args:
        uri: folder of the Evaluator's ModelEvaluation.
    """
    if f"{eval_config.ACCURACY}_diff" not in _slices(uri, "")[()]:
        return None
    slices = _slices(uri, tfma.BASELINE_KEY)
    return Baseline(
        overall={name: _value(slices[()], _FIGURES[name]) for name in ("accuracy", "macro_f1")},
        recall={
            key[0][1]: _value(metrics, eval_config.ACCURACY)
            for key, metrics in slices.items()
            if _is_of_genre(key)
        },
    )


def read_evaluation(uri: str, model_name: str, genres: Sequence[str]) -> Evaluation:
    """Returns the figures of a model from the folder of a ModelEvaluation artifact.

    Args:
        uri: of the artifact.
        model_name: of the model in the evaluation, empty where it is the only candidate.
        genres: names by class id, as the model's training has them; the split may lack some.
    """
    slices = _slices(uri, model_name)
    whole = slices[()]
    by_genre = {key[0][1]: metrics for key, metrics in slices.items() if _is_of_genre(key)}
    # All the labels in a genre's slice are that genre's.
    held = {next(iter(_cells(metrics)))[0]: genre for genre, metrics in by_genre.items()}
    in_order = sorted(held.items(), key=lambda item: item[1])
    # A genre that is new in the split is none of the model's: its id is -1.
    names = {**dict(enumerate(genres)), **held}
    return Evaluation(
        overall={
            name: _value(whole, metric) for name, metric in _FIGURES.items() if metric in whole
        },
        intervals={
            "accuracy": _interval(whole, intervals.ACCURACY),
            "macro_f1": _interval(whole, intervals.MACRO_F1),
        },
        per_genre={
            genre: _genre_figures(index, by_genre[genre], whole) for index, genre in in_order
        },
        confusion={
            genre: {
                names.get(p, str(p)): int(n) for (i, p), n in _cells(whole).items() if i == index
            }
            for index, genre in in_order
        },
        calibration=_calibration(whole, _FIGURES["calibration_error"]),
        calibration_before=_calibration(whole, _FIGURES["calibration_error_before"]),
        slices=_other_slices(slices),
        mistakes=[
            _mistake(track_id, names.get(label, str(label)), label_score, top, names)
            for track_id, label, label_score, top in _json(whole, eval_config.MISTAKES)
        ],
    )


def _mistake(
    track_id: int,
    genre: str,
    genre_score: float,
    top: Sequence[tuple[int, float]],
    names: Mapping[int, str],
) -> dict[str, Any]:
    named = [(names.get(index, str(index)), score) for index, score in top]
    return {
        "track_id": track_id,
        "genre": genre,
        "predicted": named[0][0],
        "score": named[0][1],
        "genre_score": genre_score,
        "top": named,
    }


def read_macro_f1_replicates(uri: str, model_name: str = "") -> NDArray[np.float64]:
    """Returns a model's macro-F1 in each replicate of the bootstrap, float64 [N_REPLICATES]."""
    return _array(_slices(uri, model_name)[()], intervals.MACRO_F1_REPLICATES)


def _slices(uri: str, model_name: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    result = tfma.load_eval_result(uri, model_name=model_name)
    return dict(result.get_metrics_for_all_slices())


def _is_of_genre(key: tuple[Any, ...]) -> bool:
    return bool(key) and key[0][0] == example_keys.GENRE


def _genre_figures(index: int, genre: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures of the class `index` from its own slice and from all clips."""
    cells = _cells(whole)
    hits = cells.get((index, index), 0.0)
    predicted = sum(count for (_, column), count in cells.items() if column == index)
    bounds = _json(whole, intervals.CLASSES)[str(index)]
    return {
        "clips": _value(genre, eval_config.EXAMPLE_COUNT),
        "precision": hits / predicted if predicted else 0.0,
        "recall": _value(genre, eval_config.ACCURACY),
        "f1": f1_by_class(cells.items())[index],
        "recall_interval": bounds["recall"],
        "f1_interval": bounds["f1"],
    }


def _calibration(whole: dict[str, Any], name: str) -> list[dict[str, float]]:
    """Returns the bins beside a calibration error, none where it was not measured."""
    if name not in whole:
        return []
    bins = _array(whole, f"{name}_bins")
    return [
        {
            "lower": place / len(bins),
            "upper": (place + 1) / len(bins),
            "clips": clips,
            "mean_score": score,
            "accuracy": accuracy,
        }
        for place, (clips, score, accuracy) in enumerate(bins.tolist())
        if clips
    ]


def _other_slices(
    slices: dict[tuple[Any, ...], dict[str, Any]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """Returns the figures of the slices that are not of genres, by feature and value, sorted."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for key, metrics in sorted(slices.items(), key=lambda item: [*map(str, item[0])]):
        if key and not _is_of_genre(key):
            ((feature, value),) = key
            found.setdefault(feature, {})[_shown(value)] = {
                "clips": _value(metrics, eval_config.EXAMPLE_COUNT),
                "accuracy": _value(metrics, eval_config.ACCURACY),
                "accuracy_interval": list(_interval(metrics, intervals.ACCURACY)),
                "macro_f1": _value(metrics, eval_config.MACRO_F1),
            }
    return found


def _shown(value: Any) -> str:
    # Not in words: a licence may have the same ones.
    return "" if value in ("", -1) else str(value)


def _value(metrics: dict[str, Any], name: str) -> float:
    return float(metrics[name]["doubleValue"])


def _interval(metrics: dict[str, Any], name: str) -> tuple[float, float]:
    bounded = metrics[name]["boundedValue"]
    return float(bounded["lowerBound"]), float(bounded["upperBound"])


def _array(metrics: dict[str, Any], name: str) -> NDArray[np.float64]:
    array = metrics[name]["arrayValue"]
    return np.array(array["float64Values"], np.float64).reshape(array["shape"])


def _json(metrics: dict[str, Any], name: str) -> Any:
    # Bytes are base64 in the JSON form that TFMA gives.
    return json.loads(base64.b64decode(metrics[name]["bytesValue"]))


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
