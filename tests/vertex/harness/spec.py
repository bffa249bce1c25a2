"""A compiled pipeline job, read: its tasks, in an order in which they can run."""

from __future__ import annotations

import dataclasses
import graphlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Task:
    """A task with all that the spec says of it in three places.

    Attributes:
        name: of the task.
        inputs: where its artifacts and parameters come from.
        dependencies: names of the tasks that come before it.
        cached: whether what an equal task has done may be taken instead.
        outputs: the artifacts that it declares, by key.
        executor: how it runs: `container`, `importer` or `resolver`.
    """

    name: str
    inputs: Mapping[str, Any]
    dependencies: frozenset[str]
    cached: bool
    outputs: Mapping[str, Any]
    executor: Mapping[str, Any]

    @property
    def artifact_sources(self) -> dict[str, tuple[str, str]]:
        """Input key → the task and the output key that it comes from."""
        sources = {}
        for key, source in self.inputs.get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            sources[key] = (output["producerTask"], output["outputArtifactKey"])
        return sources

    @property
    def constants(self) -> dict[str, Any]:
        """The parameters; the pipeline has none that are given at run time."""
        parameters = self.inputs.get("parameters", {})
        return {key: value["runtimeValue"]["constant"] for key, value in parameters.items()}


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
    tasks = {task.name: task for task in _tasks(spec)}
    order = graphlib.TopologicalSorter({name: task.dependencies for name, task in tasks.items()})
    return Job(
        name=spec["pipelineInfo"]["name"],
        root=compiled["runtimeConfig"]["gcsOutputDirectory"],
        tasks=tuple(tasks[name] for name in order.static_order()),
    )


def _tasks(spec: Mapping[str, Any]) -> Iterator[Task]:
    executors = spec["deploymentSpec"]["executors"]
    for name, task in spec["root"]["dag"]["tasks"].items():
        if "triggerPolicy" in task or {"parameterIterator", "artifactIterator"} & task.keys():
            raise NotImplementedError(f"{name}: conditions and loops are not run here")
        component = spec["components"][task["componentRef"]["name"]]
        inputs = task.get("inputs", {})
        producers = {
            source["taskOutputArtifact"]["producerTask"]
            for source in inputs.get("artifacts", {}).values()
        }
        yield Task(
            name=name,
            inputs=inputs,
            dependencies=frozenset(task.get("dependentTasks", ())) | producers,
            cached=task.get("cachingOptions", {}).get("enableCache", False),
            outputs=component.get("outputDefinitions", {}).get("artifacts", {}),
            executor=executors[component["executorLabel"]],
        )
