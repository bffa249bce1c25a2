"""What TFMA measures, of which slices, and what a model must reach."""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow_model_analysis.proto import config_pb2

from models import features
from pipeline.config import GateConfig
from pipeline.metrics.calibration import CalibrationError
from pipeline.metrics.f1 import MacroF1
from pipeline.metrics.intervals import ArtistBootstrap
from pipeline.metrics.log_loss import LogLoss
from pipeline.metrics.mistakes import Mistakes

ACCURACY = "sparse_categorical_accuracy"
MACRO_F1 = "macro_f1"
TOP_3 = "top_3_accuracy"
LOG_LOSS = "log_loss"
CALIBRATION_ERROR = "calibration_error"
MISTAKES = "mistakes"
CONFUSION = "multi_class_confusion_matrix_at_thresholds"
EXAMPLE_COUNT = "example_count"

# By what the judged model's figures are sliced beside genres; Examples without it are left out.
SLICE_FEATURES = (
    features.LICENSE,
    features.YEAR,
    features.SOURCE_CHANNELS,
    features.DURATION_CLASS,
)

_INFERENCE_BATCH_SIZE = 16
_ROUNDING = 1e-6
_ACCURACY_CLASS = "SparseCategoricalAccuracy"


def ranking_config(models: Sequence[str]) -> config_pb2.EvalConfig:
    """Returns the configuration that measures all candidates in one pass, without thresholds."""
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(name) for name in models],
        slicing_specs=_slices([features.GENRE]),
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metrics(), model_names=models)],
    )


def gate_config(gate: GateConfig) -> config_pb2.EvalConfig:
    """Returns the configuration of the Evaluator that blesses the best model or refuses it.

    Accuracy within the slice of a genre is that genre's recall, so the floor for every genre is a
    threshold on accuracy per slice. Of a genre that the last blessed model does not know, its
    recall is 0, so that nothing falls below it.
    """
    every_genre = config_pb2.SlicingSpec(feature_keys=[features.GENRE])
    metrics = {metric.class_name: metric for metric in _metrics()}
    metrics[_ACCURACY_CLASS].per_slice_thresholds.extend(
        [
            _threshold(config_pb2.SlicingSpec(), gate.min_accuracy, gate.max_drop),
            _threshold(every_genre, gate.min_genre_recall, gate.max_genre_drop),
        ]
    )
    metrics[MacroF1.__name__].per_slice_thresholds.append(
        _threshold(config_pb2.SlicingSpec(), gate.min_macro_f1, gate.max_drop)
    )
    return config_pb2.EvalConfig(
        model_specs=[_model_spec("")],
        slicing_specs=_slices([features.GENRE, *SLICE_FEATURES]),
        metrics_specs=[config_pb2.MetricsSpec(metrics=list(metrics.values()))],
    )


def _model_spec(name: str) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name="serving_default",
        preprocessing_function_names=["evaluation_features"],
        label_key=features.LABEL,
        prediction_key="scores",
        # Batches are cut by bytes of audio, which short clips make large for a picture network.
        inference_batch_size=_INFERENCE_BATCH_SIZE,
    )


def _slices(by: Sequence[str]) -> list[config_pb2.SlicingSpec]:
    """Returns all clips together, and the values of each feature."""
    return [
        config_pb2.SlicingSpec(),
        *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in by),
    ]


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


def _metrics() -> list[config_pb2.MetricConfig]:
    ours = (MacroF1, LogLoss, CalibrationError, ArtistBootstrap, Mistakes)
    return [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(class_name=_ACCURACY_CLASS),
        config_pb2.MetricConfig(
            class_name="SparseTopKCategoricalAccuracy", config=f'"name": "{TOP_3}", "k": 3'
        ),
        # The highest score is the prediction, however low it is; TFMA's default asks for 0.5.
        config_pb2.MetricConfig(
            class_name="MultiClassConfusionMatrixAtThresholds", config='"thresholds": [0.0]'
        ),
        *(
            config_pb2.MetricConfig(class_name=metric.__name__, module=metric.__module__)
            for metric in ours
        ),
    ]
