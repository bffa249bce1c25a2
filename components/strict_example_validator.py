"""ExampleValidator that stops the run where it finds an anomaly."""

from __future__ import annotations

from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.example_validator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from common.errors import InputError
from features import example_keys


class Executor(executor.Executor):
    """TFX's executor, then a look at what it found."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        """Validates the statistics.

        Raises:
            InputError: naming every anomaly.
        """
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.ANOMALIES_KEY]
        )
        found = []
        for split in artifact_utils.decode_split_names(artifact.split_names):
            uri = artifact_utils.get_split_uri([artifact], split)
            found += [f"{split}: {text}" for text in read_anomalies(uri)]
        if found:
            raise InputError("the Examples do not fit the schema: " + "; ".join(found))
        return result

    def _Validate(  # noqa: N802 - TFX's name
        self, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> anomalies_pb2.Anomalies:
        """Validates the metadata features; there are no statistics of the audio by design."""
        schema = schema_pb2.Schema()
        schema.CopyFrom(inputs[standard_component_specs.SCHEMA_KEY])
        kept = [feature for feature in schema.feature if feature.name in example_keys.METADATA]
        del schema.feature[:]
        schema.feature.extend(kept)
        return super()._Validate({**inputs, standard_component_specs.SCHEMA_KEY: schema}, outputs)


def read_anomalies(uri: str) -> list[str]:
    """Returns the anomalies in the folder of one split, a short sentence each."""
    with fileio.open(io_utils.get_only_uri_in_dir(uri), "rb") as file:
        anomalies = anomalies_pb2.Anomalies.FromString(file.read())
    found = [
        f"{feature}: {info.short_description} ({info.description})"
        for feature, info in sorted(anomalies.anomaly_info.items())
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        found.append(anomalies.dataset_anomaly_info.short_description)
    return found


class StrictExampleValidator(component.ExampleValidator):
    """ExampleValidator whose anomalies fail the run instead of waiting to be looked at."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
