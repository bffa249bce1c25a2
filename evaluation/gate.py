"""The gate: what a model must reach to be blessed, and why TFMA refused one."""

from __future__ import annotations

from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from evaluation import eval_config
from evaluation.config import GateConfig
from evaluation.metrics.f1 import MacroF1
from features import example_keys

_ROUNDING = 1e-6


def gate_config(gate: GateConfig) -> config_pb2.EvalConfig:
    """Returns the configuration of the Evaluator that blesses the best model or refuses it.

    Accuracy within the slice of a genre is that genre's recall, so the floor for every genre is a
    threshold on accuracy per slice. Of a genre that the last blessed model does not know, its
    recall is 0, so that nothing falls below it.
    """
    every_genre = config_pb2.SlicingSpec(feature_keys=[example_keys.GENRE])
    by_class = {metric.class_name: metric for metric in eval_config.metrics()}
    by_class[eval_config.ACCURACY_CLASS].per_slice_thresholds.extend(
        [
            _threshold(config_pb2.SlicingSpec(), gate.min_accuracy, gate.max_drop),
            _threshold(every_genre, gate.min_genre_recall, gate.max_genre_drop),
        ]
    )
    by_class[MacroF1.__name__].per_slice_thresholds.append(
        _threshold(config_pb2.SlicingSpec(), gate.min_macro_f1, gate.max_drop)
    )
    return config_pb2.EvalConfig(
        model_specs=[eval_config.model_spec("")],
        slicing_specs=eval_config.slices([example_keys.GENRE, *eval_config.SLICE_FEATURES]),
        metrics_specs=[config_pb2.MetricsSpec(metrics=list(by_class.values()))],
    )


def _threshold(
    where: config_pb2.SlicingSpec, lower_bound: float, max_drop: float
) -> config_pb2.PerSliceMetricThreshold:
    # What lies just at a bound is let through, whatever float32 makes of it.
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(
            lower_bound={"value": lower_bound - _ROUNDING}
        ),
        change_threshold=config_pb2.GenericChangeThreshold(
            direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
            absolute={"value": -max_drop - _ROUNDING},
        ),
    )
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=threshold)


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
    # All genres together come first.
    return [text for _, text in sorted(reasons)] or ["TFMA refused the model and gave no reason"]


def _genre_of(key: Any) -> str:
    names = [
        column.bytes_value.decode()
        for column in key.single_slice_keys
        if column.column == example_keys.GENRE
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
        drop = _as_given(-threshold.change_threshold.absolute.value)
        return (
            f"{name} is {-value:.3f} below the last blessed model's, at most {drop:.3f} is allowed"
        )
    bound = _as_given(threshold.value_threshold.lower_bound.value)
    return f"{name} is {value:.3f}, at least {bound:.3f} is needed"


def _as_given(bound: float) -> float:
    """Returns a threshold as the user gave it, without what `gate_config` forgives float32."""
    return round(bound, 5)
