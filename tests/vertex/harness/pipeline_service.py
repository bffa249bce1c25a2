"""Vertex AI Pipelines: runs a compiled job task by task, and remembers between runs."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.vertex.harness import placeholders
from tests.vertex.harness.bucket import Buckets
from tests.vertex.harness.container import ContainerError, Image
from tests.vertex.harness.metadata_store import Artifact, MetadataStore
from tests.vertex.harness.spec import Job, Task

_PROJECT_NUMBER = "123456789"
Artifacts = dict[str, list[Artifact]]


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run has done: the outputs of every task, and the tasks that were taken from the cache.

    `executor_inputs` is what the containers were given, by task.
    """

    outputs: dict[str, Artifacts] = dataclasses.field(default_factory=dict)
    executor_inputs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    cached: set[str] = dataclasses.field(default_factory=set)

    def artifact(self, task: str, key: str) -> Artifact:
        """Return the only output of a task under a key."""
        (only,) = self.outputs[task][key]
        return only


class PipelineService:
    """Runs jobs in one project: their metadata and their cache are shared."""

    def __init__(self, image: Image, buckets: Buckets, logs: Path):
        """Keep what tasks are started from, where gs:// is, and where their output goes."""
        self._image = image
        self._buckets = buckets
        self._logs = logs
        self._store = MetadataStore()
        self._cache: dict[str, Artifacts] = {}
        self._numbers = itertools.count(1)

    def run(self, job: Job) -> Run:
        """Run a job to its end.

        Raises:
            ContainerError: where a task fails.
        """
        run = Run()
        job_id = f"{job.name}-{next(self._numbers)}"
        folder = f"{job.root}/{_PROJECT_NUMBER}/{job_id}"
        for task in job.tasks:
            inputs = {
                key: run.outputs[producer][output]
                for key, (producer, output) in task.artifact_sources.items()
            }
            log = self._logs / job_id / f"{task.name}.log"
            if "resolver" in task.executor:
                run.outputs[task.name] = self._resolve(task, inputs)
            elif "importer" in task.executor:
                run.outputs[task.name] = self._import(task)
            else:
                run.outputs[task.name] = self._start(task, inputs, folder, run, log)
        return run

    def _resolve(self, task: Task, inputs: Artifacts) -> Artifacts:
        """Return the newest artifact that each query finds; none where its own input is missing."""
        given = {"inputs": {"artifacts": _as_json(inputs), "parameterValues": {}}}
        found: Artifacts = {}
        for key, query in task.executor["resolver"]["outputArtifactQueries"].items():
            try:
                latest = self._store.latest(placeholders.resolve(query["filter"], given))
            except placeholders.NothingThereError:
                latest = None
            found[key] = [latest] if latest else []
        return found

    def _import(self, task: Task) -> Artifacts:
        importer = task.executor["importer"]
        uri = importer["artifactUri"]["constant"]
        outputs = {
            key: [self._store.add(output["artifactType"], uri, importer.get("metadata", {}))]
            for key, output in task.outputs.items()
        }
        return _publish(outputs)

    def _start(self, task: Task, inputs: Artifacts, folder: str, run: Run, log: Path) -> Artifacts:
        """Run the container of a task, unless what an equal one has done can be taken."""
        container = task.executor["container"]
        if container["image"] != self._image.name:
            raise ContainerError(f"{task.name}: no image {container['image']}")
        task_folder = f"{folder}/{task.name}_{len(run.outputs) + 1:020d}"
        outputs = {
            key: [
                self._store.add(
                    output["artifactType"], f"{task_folder}/{key}", output.get("metadata", {})
                )
            ]
            for key, output in task.outputs.items()
        }
        given = _executor_input(task, inputs, outputs, f"{task_folder}/executor_output.json")
        run.executor_inputs[task.name] = given
        output_file = self._buckets.path(given["outputs"]["outputFile"])
        driven: dict[str, Any] = {}
        if driver := container.get("lifecycle", {}).get("preCacheCheck"):
            self._execute(driver, given, log)
            driven = self._read_back(output_file, outputs)
        key = _cache_key(container, given["inputs"], driven)
        if task.cached and key in self._cache:
            run.cached.add(task.name)
            return self._cache[key]
        self._execute(container, given, log)
        self._read_back(output_file, outputs)
        self._cache[key] = _publish(outputs)
        return outputs

    def _execute(self, container: Mapping[str, Any], given: Mapping[str, Any], log: Path) -> None:
        words = [*container["command"], *container.get("args", ())]
        resolved = [placeholders.resolve(word, given) for word in words]
        self._image.run([self._buckets.local(word) for word in resolved], log)

    def _read_back(self, output_file: Path, outputs: Artifacts) -> dict[str, Any]:
        """Take what an executor says of its outputs into the store; return its parameters."""
        written = json.loads(self._buckets.cloud(output_file.read_text()))
        for key, described in written.get("artifacts", {}).items():
            for artifact, values in zip(outputs[key], described["artifacts"], strict=True):
                # Vertex AI knows an artifact by the name that it has given.
                if values["name"] != artifact.name:
                    raise ContainerError(f"{key} is called {values['name']}, not {artifact.name}")
                artifact.uri = values.get("uri", artifact.uri)
                artifact.metadata.update(values.get("metadata", {}))
        return dict(written.get("parameterValues", {}))


def _executor_input(
    task: Task, inputs: Artifacts, outputs: Artifacts, output_file: str
) -> dict[str, Any]:
    return {
        "inputs": {"artifacts": _as_json(inputs), "parameterValues": task.constants},
        "outputs": {"artifacts": _as_json(outputs), "outputFile": output_file},
    }


def _as_json(artifacts: Artifacts) -> dict[str, Any]:
    return {
        key: {"artifacts": [artifact.as_json() for artifact in found]}
        for key, found in artifacts.items()
    }


def _publish(outputs: Artifacts) -> Artifacts:
    for artifact in itertools.chain.from_iterable(outputs.values()):
        artifact.state = "LIVE"
    return outputs


def _cache_key(
    container: Mapping[str, Any], inputs: Mapping[str, Any], driven: Mapping[str, Any]
) -> str:
    """Return what Vertex AI compares: the container, the inputs by name and the parameters."""
    names = {
        key: [artifact["name"] for artifact in found["artifacts"]]
        for key, found in inputs["artifacts"].items()
    }
    parameters = {**inputs["parameterValues"], **driven}
    return json.dumps([container, names, parameters], sort_keys=True)
