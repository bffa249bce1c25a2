"""Which artifacts of an output folder the next run does not need, and removing them.

What is kept is decided by id, over what the metadata store says; what is removed are folders, as
TFX lays them out: `<pipeline root>/<node>/<output key>/<execution id>`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.compiler import compiler
from tfx.types import artifact_utils, standard_artifacts

from common import formatting
from common.errors import InputError
from components.baseline import CANDIDATE, BlessedBeforeCandidateStrategy
from components.candidate_ranker.executor import BEST_MODEL, LEADERBOARD
from components.model_properties import SERVABLE
from pipeline import metadata_store, runs
from pipeline.config import PipelineConfig
from pipeline.dag import BASELINE, create_pipeline

# What is judged: the first that there is.
_JUDGED = (("Refit", "model"), ("CandidateRanker", BEST_MODEL))
# Small, and what `music-genre report` shows of earlier runs.
_OF_EVERY_RUN = {(runs.NODE, runs.OUTPUT), ("CandidateRanker", LEADERBOARD)}
_DONE = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
_OUTPUT, _INPUT = metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INPUT
_SYSTEM = ".system"  # TFX's folder of what an executor needs while it runs
_NEWEST_ID = 2**63 - 1
_WORTH_TELLING_BYTES, _WORTH_TELLING_SHARE = 1_000_000_000, 0.1


@dataclasses.dataclass(frozen=True)
class Execution:
    """An execution in the metadata store; `inputs` and `outputs` are artifact ids by key."""

    id: int
    node: str
    is_done: bool
    properties: Mapping[str, Any]
    inputs: Mapping[str, Sequence[int]]
    outputs: Mapping[str, Sequence[int]]


@dataclasses.dataclass(frozen=True)
class History:
    """What the metadata store holds of all runs.

    Attributes:
        executions: the oldest first.
        latest_run: ids of the executions of the latest run.
        uris: of the live artifacts, by id.
        models: the live Model artifacts.
        blessings: the live ModelBlessing artifacts.
    """

    executions: Sequence[Execution] = ()
    latest_run: frozenset[int] = frozenset()
    uris: Mapping[int, str] = dataclasses.field(default_factory=dict)
    models: Sequence[types.Artifact] = ()
    blessings: Sequence[types.Artifact] = ()


@dataclasses.dataclass(frozen=True)
class Step:
    """A node of the coming run; `inputs` has the (node, output key) of each input."""

    node: str
    properties: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the pipeline root holds.

    Attributes:
        stale: bytes of each folder that the next run does not need.
        live: which of these folders a live artifact has, by the id of the artifact.
        reusable_bytes: what the coming run takes from the cache, or goes on with.
        total_bytes: of all folders of artifacts.
    """

    stale: Mapping[Path, int]
    live: Mapping[int, Path]
    reusable_bytes: int
    total_bytes: int

    @property
    def stale_bytes(self) -> int:
        """Bytes that pruning frees."""
        return sum(self.stale.values())

    @property
    def stale_line(self) -> str:
        """A message: how much can be freed, and how."""
        return f"stale artifacts hold {formatting.in_bytes(self.stale_bytes)}; --prune removes them"

    @property
    def is_worth_telling(self) -> bool:
        """Whether it is much, by itself or beside what is needed."""
        share = _WORTH_TELLING_SHARE * self.total_bytes
        return self.stale_bytes > min(_WORTH_TELLING_BYTES, share)


def survey_before(config: PipelineConfig) -> Survey:
    """Returns what the pipeline root holds before a run of `config`."""
    steps = steps_of(create_pipeline(config)) if config.enable_cache else []
    found = survey(config.pipeline_root, read_history(config.metadata_path), steps)
    # Trainings go on from checkpoints. The clips beside them, which a killed training has unpacked,
    # are removed before others are.
    checkpoint_bytes = folder_bytes(config.checkpoint_dir)
    return dataclasses.replace(found, reusable_bytes=found.reusable_bytes + checkpoint_bytes)


def survey_after(config: PipelineConfig) -> Survey:
    """Returns what the pipeline root holds after a run of `config`, which is the latest."""
    return survey(config.pipeline_root, read_history(config.metadata_path), [])


def survey(pipeline_root: str, history: History, steps: Iterable[Step]) -> Survey:
    """Returns what a pipeline root holds before a run of `steps`."""
    reusable = reusable_artifacts(history, steps)
    places = {artifact: _place(uri) for artifact, uri in history.uris.items()}
    reusable_places = {places[artifact] for artifact in reusable}
    kept_places = {places[artifact] for artifact in kept_artifacts(history, reusable)}
    stale: dict[Path, int] = {}
    total_bytes = reusable_bytes = 0
    nodes = {execution.node for execution in history.executions}
    for folder in _folders(Path(pipeline_root), nodes):
        n_bytes = folder_bytes(folder)
        total_bytes += n_bytes
        reusable_bytes += n_bytes if _place(str(folder)) in reusable_places else 0
        # Every execution that went well leaves an empty `.system`.
        if _place(str(folder)) not in kept_places and (n_bytes or folder.name != _SYSTEM):
            stale[folder] = n_bytes
    # What lies elsewhere, or behind a link, is left alone and stays live.
    by_place = {_place(str(folder)): folder for folder in stale}
    live = {artifact: by_place[place] for artifact, place in places.items() if place in by_place}
    return Survey(stale, live, reusable_bytes, total_bytes)


def remove(metadata_path: str, found: Survey) -> None:
    """Removes what is stale.

    The store is updated before an artifact goes: TFX's cache serves nothing that is marked as
    deleted, and what an interrupted removal leaves is stale for the next one. What no artifact is
    in goes first, since the store cannot be updated on a full disk.

    Raises:
        InputError: where a folder cannot be removed.
    """
    artifact_folders = set(found.live.values())
    _remove(folder for folder in found.stale if folder not in artifact_folders)
    if found.live:
        store = metadata_store.open_store(metadata_path)
        artifacts = store.get_artifacts_by_id(list(found.live))
        for artifact in artifacts:
            artifact.state = metadata_store_pb2.Artifact.DELETED
        store.put_artifacts(artifacts)
    _remove(artifact_folders)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise InputError(f"cannot remove {error.filename}: {error.strerror}") from error


def kept_artifacts(history: History, reusable: Iterable[int]) -> set[int]:
    """Returns the live artifacts that must stay.

    They are what the latest run uses, what the coming run takes from the cache (`reusable`), the
    baseline models of their candidates and of a coming one, and the small outputs of every run that
    `music-genre report` shows.
    """
    kept = set(reusable)
    candidates = [_candidate_to_come(servable=True), _candidate_to_come(servable=False)]
    for execution in history.executions:
        for key, artifacts in execution.outputs.items():
            if execution.id in history.latest_run or (execution.node, key) in _OF_EVERY_RUN:
                kept.update(artifacts)
    best = {
        artifact
        for execution in history.executions
        for key, artifacts in execution.outputs.items()
        if (execution.node, key) in _JUDGED
        for artifact in artifacts
    }
    candidates += [model for model in history.models if model.id in best & kept]
    for candidate in candidates:
        for artifacts in _baseline(history, candidate).values():
            kept.update(artifact.id for artifact in artifacts)
    return kept & history.uris.keys()


def reusable_artifacts(history: History, steps: Iterable[Step]) -> set[int]:
    """Returns the artifacts that TFX's cache has for a run of `steps`, in their order.

    As the cache does, it takes of each node the newest execution with the same properties and the
    same inputs whose outputs are all live.
    """
    found: dict[tuple[str, str], list[int]] = {}
    reusable: set[int] = set()
    models = {model.id: model for model in history.models}
    for step in steps:
        if step.node == BASELINE:
            if judged := next((found[key] for key in _JUDGED if key in found), None):
                (candidate,) = judged
                resolved = _baseline(history, models[candidate])["model"]
                found[BASELINE, "model"] = [model.id for model in resolved]
            continue
        execution = _cached(step, history, found)
        if execution is not None:
            for key, artifacts in execution.outputs.items():
                found[step.node, key] = list(artifacts)
                reusable.update(artifacts)
    return reusable


def _cached(
    step: Step, history: History, found: Mapping[tuple[str, str], list[int]]
) -> Execution | None:
    if not found.keys() >= set(step.inputs.values()):
        return None
    inputs = {key: found[source] for key, source in step.inputs.items() if found[source]}
    for execution in reversed(history.executions):
        if (
            execution.node == step.node
            and execution.is_done
            and execution.properties.items() >= step.properties.items()
            and execution.inputs == inputs
            and history.uris.keys() >= set(itertools.chain(*execution.outputs.values()))
        ):
            return execution
    return None


def _baseline(history: History, candidate: types.Artifact) -> dict[str, list[types.Artifact]]:
    """Returns the baseline model of a candidate and its blessing, by the rule of the DAG."""
    inputs = {"model": list(history.models), "model_blessing": list(history.blessings)}
    strategy = BlessedBeforeCandidateStrategy()
    resolved = strategy.resolve_artifacts(None, {**inputs, CANDIDATE: [candidate]}) or {}
    return {key: resolved.get(key, []) for key in inputs}


def _candidate_to_come(*, servable: bool) -> types.Artifact:
    candidate = standard_artifacts.Model()
    candidate.id = _NEWEST_ID
    candidate.set_int_custom_property(SERVABLE, int(servable))
    return candidate


def steps_of(dag: tfx.dsl.Pipeline) -> list[Step]:
    """Returns the nodes of a pipeline, each after those that it takes its inputs from."""
    nodes = [node.pipeline_node for node in compiler.Compiler().compile(dag).nodes]
    return [
        Step(
            node.node_info.id,
            {key: _value(it.field_value) for key, it in node.parameters.parameters.items()},
            {
                key: (channel.producer_node_query.id, channel.output_key)
                for key, it in node.inputs.inputs.items()
                for channel in it.channels
            },
        )
        for node in nodes
    ]


def read_history(metadata_path: str) -> History:
    """Returns the runs in a metadata store; an empty History if it does not exist."""
    run = metadata_store.latest_run(metadata_path)
    if not run:
        return History()
    store = metadata_store.open_store(metadata_path)
    stored = {
        execution.id: (context.name.partition(".")[2], execution)
        for context in store.get_contexts_by_type("node")
        for execution in store.get_executions_by_context(context.id)
    }
    artifact_ids: dict[int, dict[int, dict[str, list[int]]]] = {
        execution_id: {_INPUT: {}, _OUTPUT: {}} for execution_id in stored
    }
    for event in store.get_events_by_execution_ids(list(stored)) if stored else []:
        for step in event.path.steps:
            # An artifact may be under several keys; each is followed by an index.
            if step.HasField("key") and event.type in (_INPUT, _OUTPUT):
                by_key = artifact_ids[event.execution_id][event.type]
                by_key.setdefault(step.key, []).append(event.artifact_id)
    executions = [
        Execution(
            id=execution.id,
            node=node,
            is_done=execution.last_known_state in _DONE,
            properties={
                key: _value(value)
                for values in (execution.properties, execution.custom_properties)
                for key, value in values.items()
            },
            inputs=artifact_ids[execution.id][_INPUT],
            outputs=artifact_ids[execution.id][_OUTPUT],
        )
        for _, (node, execution) in sorted(stored.items())
    ]
    live = {
        artifact.id: artifact
        for artifact in store.get_artifacts()
        if artifact.state == metadata_store_pb2.Artifact.LIVE
    }
    types_by_id = {kind.id: kind for kind in store.get_artifact_types()}

    def of_type(wanted: type[types.Artifact]) -> list[types.Artifact]:
        return [
            artifact_utils.deserialize_artifact(types_by_id[artifact.type_id], artifact)
            for artifact in live.values()
            if types_by_id[artifact.type_id].name == wanted.TYPE_NAME
        ]

    return History(
        executions,
        frozenset(execution.id for execution in store.get_executions_by_context(run)),
        {artifact.id: artifact.uri for artifact in live.values()},
        of_type(standard_artifacts.Model),
        of_type(standard_artifacts.ModelBlessing),
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


def _place(uri: str) -> tuple[str, ...]:
    """Returns node, output key and execution id: the folder may have been moved since."""
    path = PurePath(uri)
    return (path.parent if path.name == "value" else path).parts[-3:]


def _folders(pipeline_root: Path, nodes: Collection[str]) -> Iterator[Path]:
    """Yields the folders of artifacts and of unfinished executions; follows no link.

    A folder of no known node is somebody else's, and all are where the metadata store is missing.
    """
    for node in _folders_in(pipeline_root):
        for key in _folders_in(node) if node.name in nodes else ():
            if key.name == _SYSTEM:
                yield key
            else:
                yield from (folder for folder in _folders_in(key) if folder.name.isdecimal())


def _folders_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]


def folder_bytes(folder: Path | str) -> int:
    """Returns the bytes of the files in a folder; a link counts as itself."""
    n_bytes = 0
    for below, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # of a run that is going on
                n_bytes += os.lstat(os.path.join(below, name)).st_size
    return n_bytes
