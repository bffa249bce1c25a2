"""The gate: what a model must reach to be blessed, as TFMA is told it."""

from __future__ import annotations

from tensorflow_model_analysis.proto import config_pb2

from evaluation import eval_config
from evaluation.config import GateConfig
from evaluation.metrics.f1 import MacroF1
from evaluation.metrics.judged_recall import JudgedRecall
from features import example_keys

_ROUNDING = 1e-6


def gate_config(gate: GateConfig) -> config_pb2.EvalConfig:
    """Returns the configuration of the Evaluator that blesses the best model or refuses it.

    The floors for every genre are thresholds on `JudgedRecall` by genre: what TFMA has for slices
    of few clips, `min_slice_size`, would leave them out of the report, too. Of a genre that the
    last blessed model does not know, its recall is 0, so that nothing falls below it.
    """
    by_class = {metric.class_name: metric for metric in eval_config.metrics()}
    for overall, floor in (
        (eval_config.ACCURACY_CLASS, gate.min_accuracy),
        (MacroF1.__name__, gate.min_macro_f1),
    ):
        by_class[overall].per_slice_thresholds.append(
            _threshold(config_pb2.SlicingSpec(), floor, gate.max_drop)
        )
    every_genre = config_pb2.SlicingSpec(feature_keys=[example_keys.GENRE])
    recall = config_pb2.MetricConfig(
        class_name=JudgedRecall.__name__,
        module=JudgedRecall.__module__,
        config=f'"min_clips": {gate.min_clips}',
        per_slice_thresholds=[_threshold(every_genre, gate.min_genre_recall, gate.max_genre_drop)],
    )
    return config_pb2.EvalConfig(
        model_specs=[eval_config.model_spec("")],
        slicing_specs=eval_config.slices([example_keys.GENRE, *eval_config.SLICE_FEATURES]),
        metrics_specs=[config_pb2.MetricsSpec(metrics=[*by_class.values(), recall])],
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
