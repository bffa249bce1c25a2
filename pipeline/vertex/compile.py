"""From a configuration to the pipeline spec that Vertex AI Pipelines runs; offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfx import v1 as tfx
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.dsl.components.base.base_node import BaseNode

from pipeline.config import PipelineConfig
from pipeline.dag import create_pipeline
from pipeline.vertex.platform import VertexPlatform
from pipeline.vertex.settings import VertexConfig

_JOBS = ("Trainer-", "Tuner-", "Refit_")
_DRIVER = "components.fma_example_gen.driver"
# What they leave is outside of the pipeline, where it can be removed; they do nothing twice.
_NEVER_CACHED = ("AtomicPusher", "EndpointDeployer")
# A container that waits for a custom job.
_WAITING = {"cpuLimit": 1.0, "memoryLimit": 4.0}


def compile_pipeline(config: PipelineConfig, vertex: VertexConfig) -> dict[str, Any]:
    """Returns the pipeline job, in the JSON form of KFP's `PipelineJob`."""
    dag = create_pipeline(config, VertexPlatform(vertex))
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
            default_image=vertex.image, use_pipeline_spec_2_1=True
        )
    )
    job: dict[str, Any] = runner.run(dag, write_out=False)
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    _size_containers(executors, vertex)
    _drop_beam_flags(executors, dag)
    _uncache(job["pipelineSpec"]["root"]["dag"]["tasks"])
    _digest_archive(executors["FmaExampleGen_executor"]["container"])
    return job


def _size_containers(executors: dict[str, Any], vertex: VertexConfig) -> None:
    """Sets what the containers ask for; TFX's compiler can do it for some components only."""
    asked = {"cpuLimit": float(vertex.task.cpus), "memoryLimit": float(vertex.task.memory_gb)}
    for name, executor in executors.items():
        if "container" in executor:
            executor["container"]["resources"] = _WAITING if name.startswith(_JOBS) else asked


def _drop_beam_flags(executors: dict[str, Any], dag: tfx.dsl.Pipeline) -> None:
    """Leaves Beam's flags to the executors that use Beam.

    They are part of what the cache compares, and no reason to do anything else again.
    """
    for node in dag.components:
        executor = executors.get(f"{node.id}_executor", {})
        if "container" in executor and not _uses_beam(node):
            args = executor["container"]["args"]
            executor["container"]["args"] = args[: len(args) - len(dag.beam_pipeline_args)]


def _uses_beam(node: BaseNode) -> bool:
    return issubclass(node.executor_spec.executor_class, BaseBeamExecutor)


def _uncache(tasks: dict[str, Any]) -> None:
    for name in _NEVER_CACHED:
        if name in tasks:
            tasks[name]["cachingOptions"] = {"enableCache": False}


def _digest_archive(example_gen: dict[str, Any]) -> None:
    """Has Vertex AI look at all of the archive before it takes the Examples from its cache."""
    example_gen["lifecycle"]["preCacheCheck"]["command"] = ["python", "-m", _DRIVER]


def write(job: dict[str, Any], path: str) -> None:
    """Writes a pipeline job; the same job gives the same bytes."""
    # Google's client reads it as YAML, which knows no surrogate pairs.
    text = json.dumps(job, indent=1, sort_keys=True, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")
