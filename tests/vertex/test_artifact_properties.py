"""What one task says of an artifact reaches the next on Vertex AI, which passes it on as JSON."""

from __future__ import annotations

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entry_point
from tfx.types import standard_artifacts

from components.model_properties import MODEL_NAME, SERVABLE, WITHHELD, is_servable


def through_vertex(model: standard_artifacts.Model) -> standard_artifacts.Model:
    """Return the artifact as the container of the next task gets it."""
    written = json_format.MessageToDict(entry_point.to_runtime_artifact(model, {}))
    given = pipeline_spec_pb2.ExecutorInput()
    schema = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
    artifacts = {"model": {"artifacts": [{**written, "type": schema}]}}
    json_format.ParseDict({"inputs": {"artifacts": artifacts}}, given)
    parsed = entry_point.parse_raw_artifact_dict(given.inputs.artifacts)
    (again,) = parsed["model"]
    return again


def test_the_next_task_knows_what_an_earlier_one_found() -> None:
    model = standard_artifacts.Model()
    model.uri = "gs://bucket/model"
    assert is_servable(through_vertex(model))  # unless it says otherwise
    model.set_string_custom_property(MODEL_NAME, "svm")
    model.set_string_custom_property(WITHHELD, "it needs more than audio")
    for servable in (True, False):
        model.set_int_custom_property(SERVABLE, int(servable))
        again = through_vertex(model)
        assert is_servable(again) is servable
        assert again.get_string_custom_property(MODEL_NAME) == "svm"
        assert again.get_string_custom_property(WITHHELD) == "it needs more than audio"
        assert again.uri == model.uri
