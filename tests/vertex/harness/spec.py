"""A compiled pipeline job, read: its tasks, in an order in which they can run."""

from __future__ import annotations

import dataclasses
import graphlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Task:
    """A task with all that the spec says of it in three places.

    Attributes:
        name: of the task.
        sources: by input key the task and the output key that its artifact comes from.
        constants: the parameters; the pipeline has none that are given at run time.
        dependencies: names of the tasks that come before it.
        cached: whether what an equal task has done may be taken instead.
        outputs: the artifacts that it declares, by key.
        executor: how it runs: `container` or `resolver`.
    """

    name: str
    sources: Mapping[str, tuple[str, str]]
    constants: Mapping[str, Any]
    dependencies: frozenset[str]
    cached: bool
    outputs: Mapping[str, Any]
    executor: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Job:
    """A pipeline job: what is submitted."""

    name: str
    root: str
    tasks: tuple[Task, ...]


def read_job(path: Path) -> Job:
    """Return the job that was compiled to a file."""
    compiled = json.loads(path.read_text())
    spec = compiled["pipelineSpec"]
    tasks = {name: _task(name, task, spec) for name, task in spec["root"]["dag"]["tasks"].items()}
    order = graphlib.TopologicalSorter({name: task.dependencies for name, task in tasks.items()})
    return Job(
        name=spec["pipelineInfo"]["name"],
        root=compiled["runtimeConfig"]["gcsOutputDirectory"],
        tasks=tuple(tasks[name] for name in order.static_order()),
    )


def _task(name: str, task: Mapping[str, Any], spec: Mapping[str, Any]) -> Task:
    component = spec["components"][task["componentRef"]["name"]]
    inputs = task.get("inputs", {})
    artifacts = {
        key: source["taskOutputArtifact"] for key, source in inputs.get("artifacts", {}).items()
    }
    sources = {
        key: (source["producerTask"], source["outputArtifactKey"])
        for key, source in artifacts.items()
    }
    parameters = inputs.get("parameters", {}).items()
    return Task(
        name=name,
        sources=sources,
        constants={key: value["runtimeValue"]["constant"] for key, value in parameters},
        dependencies=frozenset(task.get("dependentTasks", ()))
        | {producer for producer, _ in sources.values()},
        cached=task.get("cachingOptions", {}).get("enableCache", False),
        outputs=component.get("outputDefinitions", {}).get("artifacts", {}),
        executor=spec["deploymentSpec"]["executors"][component["executorLabel"]],
    )
