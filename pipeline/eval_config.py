"""What TFMA measures, of which slices, and what a model must reach."""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow_model_analysis.proto import config_pb2

from models import features
from pipeline.config import GateConfig

ACCURACY = "sparse_categorical_accuracy"
MACRO_F1 = "macro_f1"
TOP_3 = "top_3_accuracy"
LOG_LOSS = "log_loss"
CONFUSION = "multi_class_confusion_matrix_at_thresholds"
EXAMPLE_COUNT = "example_count"

_INFERENCE_BATCH_SIZE = 16
_ACCURACY_CLASS = "SparseCategoricalAccuracy"
_MACRO_F1_CLASS = "MacroF1"


def ranking_config(models: Sequence[str]) -> config_pb2.EvalConfig:
    """Returns the configuration that measures all candidates in one pass, without thresholds."""
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(name) for name in models],
        slicing_specs=_slices(),
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metrics(), model_names=models)],
    )


def gate_config(gate: GateConfig) -> config_pb2.EvalConfig:
    """Returns the configuration of the Evaluator that blesses the best model or refuses it.

    Accuracy within the slice of a genre is that genre's recall, so the floor for every genre is a
    threshold on accuracy per slice.
    """
    every_genre = config_pb2.SlicingSpec(feature_keys=[features.GENRE])
    metrics = {metric.class_name: metric for metric in _metrics()}
    metrics[_ACCURACY_CLASS].per_slice_thresholds.extend(
        [
            _threshold(config_pb2.SlicingSpec(), gate.min_accuracy, gate.max_drop),
            _threshold(every_genre, gate.min_genre_recall),
        ]
    )
    metrics[_MACRO_F1_CLASS].per_slice_thresholds.append(
        _threshold(config_pb2.SlicingSpec(), gate.min_macro_f1, gate.max_drop)
    )
    return config_pb2.EvalConfig(
        model_specs=[_model_spec("")],
        slicing_specs=_slices(),
        metrics_specs=[config_pb2.MetricsSpec(metrics=list(metrics.values()))],
    )


def _model_spec(name: str) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name="serving_default",
        preprocessing_function_names=["transform_features"],
        label_key=features.LABEL,
        prediction_key="scores",
        # Batches are cut by bytes of audio, which short clips make large for a picture network.
        inference_batch_size=_INFERENCE_BATCH_SIZE,
    )


def _slices() -> list[config_pb2.SlicingSpec]:
    return [config_pb2.SlicingSpec(), config_pb2.SlicingSpec(feature_keys=[features.GENRE])]


def _threshold(
    where: config_pb2.SlicingSpec, lower_bound: float, max_drop: float | None = None
) -> config_pb2.PerSliceMetricThreshold:
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": lower_bound})
    )
    if max_drop is not None:
        threshold.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                direction=config_pb2.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -max_drop}
            )
        )
    return config_pb2.PerSliceMetricThreshold(slicing_specs=[where], threshold=threshold)


def _metrics() -> list[config_pb2.MetricConfig]:
    return [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(class_name=_ACCURACY_CLASS),
        config_pb2.MetricConfig(class_name=_MACRO_F1_CLASS, module="pipeline.metrics"),
        config_pb2.MetricConfig(
            class_name="SparseTopKCategoricalAccuracy", config=f'"name": "{TOP_3}", "k": 3'
        ),
        config_pb2.MetricConfig(class_name="LogLoss", module="pipeline.metrics"),
        # The highest score is the prediction, however low it is; TFMA's default asks for 0.5.
        config_pb2.MetricConfig(
            class_name="MultiClassConfusionMatrixAtThresholds", config='"thresholds": [0.0]'
        ),
    ]
