"""The deployment in the compiled pipeline: only where an endpoint is asked for."""

from __future__ import annotations

from typing import Any

from common.config import from_json
from components.endpoint_deployer.target import EndpointConfig, Target
from dataset.config import DataConfig
from pipeline.config import PipelineConfig
from pipeline.vertex.compile import compile_pipeline
from pipeline.vertex.settings import VertexConfig

CONFIG = PipelineConfig(
    data=DataConfig("gs://bucket/audio", "gs://bucket/metadata"),
    pipeline_root="gs://bucket/root",
    metadata_path="",
    serving_model_dir="gs://bucket/serving_model",
    checkpoint_dir="gs://bucket/checkpoints",
    bad_files_path="gs://bucket/bad.csv",
    models=("knn",),
)
IMAGE = "us-central1-docker.pkg.dev/my-project/music-genre/pipeline:latest"


def compiled(endpoint: EndpointConfig | None) -> dict[str, Any]:
    """Return the pipeline that is compiled for Vertex AI."""
    vertex = VertexConfig("my-project", "us-central1", IMAGE, endpoint=endpoint)
    spec: dict[str, Any] = compile_pipeline(CONFIG, vertex)["pipelineSpec"]
    return spec


def test_the_model_is_deployed_after_it_is_pushed() -> None:
    endpoint = EndpointConfig(traffic_percent=10, max_replicas=2)
    spec = compiled(endpoint)
    task = spec["root"]["dag"]["tasks"]["EndpointDeployer"]
    (source,) = task["inputs"]["artifacts"].values()
    assert source["taskOutputArtifact"] == {
        "producerTask": "AtomicPusher", "outputArtifactKey": "pushed_model",
    }  # fmt: skip
    target = task["inputs"]["parameters"]["target"]["runtimeValue"]["constant"]
    assert from_json(Target, target).endpoint == endpoint
    container = spec["deploymentSpec"]["executors"]["EndpointDeployer_executor"]["container"]
    assert container["image"] == IMAGE
    arguments = container["args"]
    executor = arguments[arguments.index("--executor_class_path") + 1]
    assert executor == "components.endpoint_deployer.executor.Executor"


def test_without_an_endpoint_nothing_is_deployed() -> None:
    assert "EndpointDeployer" not in compiled(None)["root"]["dag"]["tasks"]
