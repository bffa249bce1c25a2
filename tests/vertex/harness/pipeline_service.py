"""Vertex AI Pipelines: runs a compiled job task by task, and remembers between runs."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.vertex.harness.bucket import Buckets
from tests.vertex.harness.container import ContainerError, Image
from tests.vertex.harness.metadata_store import Artifact, MetadataStore
from tests.vertex.harness.spec import Job, Task

_PROJECT_NUMBER = "123456789"
_INPUT = "{{$}}"
# The only other placeholder that TFX's compiler leaves: of the query for the last blessed model.
_MODEL_ID = "{{$.inputs.artifacts['input'].metadata['current_model_id']}}"
Artifacts = dict[str, list[Artifact]]


@dataclasses.dataclass(frozen=True)
class Run:
    """A run, and what it has done so far.

    Attributes:
        job: that is run.
        id: of the run.
        outputs: of every task.
        executor_inputs: what the containers are given, by task.
        cached: the tasks whose outputs are an earlier run's.
    """

    job: Job
    id: str
    outputs: dict[str, Artifacts] = dataclasses.field(default_factory=dict)
    executor_inputs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    cached: set[str] = dataclasses.field(default_factory=set)

    @property
    def folder(self) -> str:
        """Where the tasks write, each below it."""
        return f"{self.job.root}/{_PROJECT_NUMBER}/{self.id}"

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
        run = Run(job, f"{job.name}-{next(self._numbers)}")
        for task in job.tasks:
            inputs = {
                key: run.outputs[producer][output]
                for key, (producer, output) in task.sources.items()
            }
            if "resolver" in task.executor:
                run.outputs[task.name] = self._resolve(task, inputs)
            else:
                run.outputs[task.name] = self._start(task, inputs, run)
        return run

    def _resolve(self, task: Task, inputs: Artifacts) -> Artifacts:
        """Return the newest artifact that each query finds; none where its own input is missing."""
        found: Artifacts = {}
        for key, query in task.executor["resolver"]["outputArtifactQueries"].items():
            text = query["filter"]
            if _MODEL_ID in text:
                ids = [one.metadata["current_model_id"] for one in inputs["input"]]
                text = text.replace(_MODEL_ID, ids[0]) if ids else ""
            found[key] = self._store.latest(text) if text else []
        return found

    def _start(self, task: Task, inputs: Artifacts, run: Run) -> Artifacts:
        """Run the container of a task, unless what an equal one has done can be taken."""
        container = task.executor["container"]
        if container["image"] != self._image.name:
            raise ContainerError(f"{task.name}: no image {container['image']}")
        log = self._logs / run.id / f"{task.name}.log"
        folder = f"{run.folder}/{task.name}_{len(run.outputs) + 1:019d}"
        outputs = self._declare(task, folder)
        given: dict[str, dict[str, Any]] = {
            "inputs": {"artifacts": _as_json(inputs), "parameterValues": dict(task.constants)},
            "outputs": {
                "artifacts": _as_json(outputs), "outputFile": f"{folder}/executor_output.json",
            },
        }  # fmt: skip
        run.executor_inputs[task.name] = given
        driven = {}
        if driver := container.get("lifecycle", {}).get("preCacheCheck"):
            self._execute(driver, given, log)
            driven = self._read_back(given, outputs)
        key = _cache_key(run.job, task, given["inputs"], driven)
        if task.cached and key in self._cache:
            run.cached.add(task.name)
            return self._cache[key]
        self._execute(container, given, log)
        self._read_back(given, outputs)
        self._cache[key] = _publish(outputs)
        return outputs

    def _declare(self, task: Task, folder: str) -> Artifacts:
        """Return the artifacts that a task is to make, pending until it has."""
        return {
            key: [
                self._store.add(
                    output["artifactType"], f"{folder}/{key}", output.get("metadata", {})
                )
            ]
            for key, output in task.outputs.items()
        }

    def _execute(self, container: Mapping[str, Any], given: Mapping[str, Any], log: Path) -> None:
        words = [*container["command"], *container.get("args", ())]
        on_disk = json.dumps(self._on_disk(given))
        self._image.run([self._buckets.local(word).replace(_INPUT, on_disk) for word in words], log)

    def _on_disk(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return an executor input with local paths, but in what earlier tasks say of artifacts.

        None of those is read from; the address of the pushed model is for Vertex AI.
        """
        local: dict[str, Any] = json.loads(self._buckets.local(json.dumps(given)))
        for key, found in given["inputs"]["artifacts"].items():
            here = local["inputs"]["artifacts"][key]["artifacts"]
            for artifact, original in zip(here, found["artifacts"], strict=True):
                artifact["metadata"] = original["metadata"]
        return local

    def _read_back(self, given: Mapping[str, Any], outputs: Artifacts) -> dict[str, Any]:
        """Take what an executor says of its outputs into the store; return its parameters."""
        path = self._buckets.path(given["outputs"]["outputFile"])
        written = json.loads(self._buckets.cloud(path.read_text()))
        for key, described in written.get("artifacts", {}).items():
            for artifact, values in zip(outputs[key], described["artifacts"], strict=True):
                # Vertex AI knows an artifact by the name that it has given.
                if values["name"] != artifact.name:
                    raise ContainerError(f"{key} is called {values['name']}, not {artifact.name}")
                artifact.uri = values.get("uri", artifact.uri)
                artifact.metadata.update(values.get("metadata", {}))
        return dict(written.get("parameterValues", {}))


def _as_json(artifacts: Artifacts) -> dict[str, Any]:
    return {
        key: {"artifacts": [artifact.as_json() for artifact in found]}
        for key, found in artifacts.items()
    }


def _publish(outputs: Artifacts) -> Artifacts:
    for artifact in itertools.chain.from_iterable(outputs.values()):
        artifact.state = "LIVE"
    return outputs


def _cache_key(job: Job, task: Task, inputs: Mapping[str, Any], driven: Mapping[str, Any]) -> str:
    """Return what Vertex AI compares, among the runs of pipelines of one name.

    That is what is run, the names of the artifacts that it is given, parameters and outputs;
    not what the artifacts hold, nor on which machine it runs.
    """
    container = task.executor["container"]
    names = {
        key: [artifact["name"] for artifact in found["artifacts"]]
        for key, found in inputs["artifacts"].items()
    }
    return json.dumps(
        [
            job.name,
            [container.get(key) for key in ("image", "command", "args", "env")],
            names,
            {**inputs["parameterValues"], **driven},
            task.outputs,
        ],
        sort_keys=True,
    )
