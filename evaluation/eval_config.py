"""What TFMA measures, and of which slices."""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow_model_analysis.proto import config_pb2

from evaluation.metrics.calibration import CalibrationError
from evaluation.metrics.f1 import MacroF1
from evaluation.metrics.intervals import ArtistBootstrap
from evaluation.metrics.log_loss import LogLoss
from evaluation.metrics.mistakes import Mistakes
from features import example_keys

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
    example_keys.LICENSE,
    example_keys.YEAR,
    example_keys.SOURCE_CHANNELS,
    example_keys.DURATION_CLASS,
)

_INFERENCE_BATCH_SIZE = 16
ACCURACY_CLASS = "SparseCategoricalAccuracy"


def ranking_config(models: Sequence[str]) -> config_pb2.EvalConfig:
    """Returns the configuration that measures all candidates in one pass, without thresholds."""
    return config_pb2.EvalConfig(
        model_specs=[model_spec(name) for name in models],
        slicing_specs=slices([example_keys.GENRE]),
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics(), model_names=models)],
    )


def model_spec(name: str) -> config_pb2.ModelSpec:
    """Returns how TFMA calls a model; the name is empty where there is one alone."""
    return config_pb2.ModelSpec(
        name=name,
        signature_name="serving_default",
        preprocessing_function_names=["evaluation_features"],
        label_key=example_keys.LABEL,
        prediction_key="scores",
        # Batches are cut by bytes of audio, which short clips make large for a spectrogram network.
        inference_batch_size=_INFERENCE_BATCH_SIZE,
    )


def with_temperature(
    config: config_pb2.EvalConfig, temperature: float | None
) -> config_pb2.EvalConfig:
    """Returns the configuration with the temperature of the model's scores, where it is known."""
    found = config_pb2.EvalConfig()
    found.CopyFrom(config)
    for specs in found.metrics_specs:
        for metric in specs.metrics:
            if metric.class_name == CalibrationError.__name__ and temperature is not None:
                metric.config = f'"temperature": {temperature}'
    return found


def slices(by: Sequence[str]) -> list[config_pb2.SlicingSpec]:
    """Returns all clips together, and the values of each feature."""
    return [
        config_pb2.SlicingSpec(),
        *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in by),
    ]


def metrics() -> list[config_pb2.MetricConfig]:
    """Returns all metrics: those of TFMA, and those of `evaluation.metrics`."""
    ours = (MacroF1, LogLoss, CalibrationError, ArtistBootstrap, Mistakes)
    return [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(class_name=ACCURACY_CLASS),
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
