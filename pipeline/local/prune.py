"""Which artifacts of an output folder are stale, and removing them.

What is kept is decided by id, over what the metadata store says; what is removed are folders, as
TFX lays them out: `<pipeline root>/<node>/<output key>/<execution id>`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from common import formatting
from common.errors import InputError
from components.baseline import CANDIDATE, BlessedBeforeCandidateStrategy
from components.candidate_ranker.executor import BEST_MODEL, LEADERBOARD
from components.model_properties import SERVABLE
from pipeline import metadata_store, runs

_JUDGED = (("Refit", "model"), ("CandidateRanker", BEST_MODEL))
_REPORT = (runs.NODE, runs.OUTPUT)
# Small, and what `music-genre report` shows of earlier runs.
_OF_EVERY_RUN = (_REPORT, ("CandidateRanker", LEADERBOARD))
_SYSTEM = ".system"  # TFX's folder of what an executor needs while it runs
_NEWEST_ID = 2**63 - 1
_WORTH_TELLING_BYTES, _WORTH_TELLING_SHARE = 1_000_000_000, 0.1


@dataclasses.dataclass(frozen=True)
class Survey:
    """What the pipeline root holds.

    Attributes:
        stale: bytes of each folder that is not to be kept.
        live: which of these folders a live artifact has, by the id of the artifact.
        total_bytes: of all folders of artifacts.
    """

    stale: Mapping[Path, int] = dataclasses.field(default_factory=dict)
    live: Mapping[int, Path] = dataclasses.field(default_factory=dict)
    total_bytes: int = 0

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
        """Whether it is much, by itself or beside what is kept."""
        share = _WORTH_TELLING_SHARE * self.total_bytes
        return self.stale_bytes > min(_WORTH_TELLING_BYTES, share)


def survey(pipeline_root: str, metadata_path: str) -> Survey:
    """Returns what a pipeline root holds, by its metadata store; nothing without a store."""
    if not Path(metadata_path).exists():
        return Survey()
    store = metadata_store.open_store(metadata_path)
    artifacts = store.get_artifacts()
    live = [it for it in artifacts if it.state == metadata_store_pb2.Artifact.LIVE]
    kept = _kept_ids(store, live)
    kept_places = {_place(artifact.uri) for artifact in live if artifact.id in kept}
    nodes = {node.name.partition(".")[2] for node in store.get_contexts_by_type("node")}
    sizes = {folder: folder_bytes(folder) for folder in _folders(Path(pipeline_root), nodes)}
    stale = {
        folder: n_bytes
        for folder, n_bytes in sizes.items()
        # Every execution that went well leaves an empty `.system`.
        if _place(str(folder)) not in kept_places and (n_bytes or folder.name != _SYSTEM)
    }
    # What lies elsewhere, or behind a link, is left alone and stays live.
    by_place = {_place(str(folder)): folder for folder in stale}
    places = {artifact.id: _place(artifact.uri) for artifact in live}
    of_live = {artifact: by_place[place] for artifact, place in places.items() if place in by_place}
    return Survey(stale, of_live, sum(sizes.values()))


def _kept_ids(store: MetadataStore, live: Iterable[metadata_store_pb2.Artifact]) -> set[int]:
    """Returns the ids of the artifacts that must stay.

    They are what the latest run and the latest finished one have used, the baseline models of their
    candidates and of a coming one, and the small outputs of every run that `music-genre report`
    shows.
    """
    by_id = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
    outputs = [metadata_store.outputs_of(store, run.id) for run in by_id]
    finished = [of_run for of_run in outputs if _REPORT in of_run]
    kept = {of_run[key].id for of_run in outputs for key in _OF_EVERY_RUN if key in of_run}
    best: set[int] = set()
    for of_run in (*outputs[-1:], *finished[-1:]):
        kept.update(artifact.id for artifact in of_run.values())
        best.update(of_run[key].id for key in _JUDGED if key in of_run)
    kinds = {kind.id: kind for kind in store.get_artifact_types()}

    def of_type(wanted: type[types.Artifact]) -> list[types.Artifact]:
        return [
            artifact_utils.deserialize_artifact(kinds[artifact.type_id], artifact)
            for artifact in live
            if kinds[artifact.type_id].name == wanted.TYPE_NAME
        ]

    models = of_type(standard_artifacts.Model)
    blessings = of_type(standard_artifacts.ModelBlessing)
    candidates = [model for model in models if model.id in best]
    candidates += [_candidate_to_come(servable=servable) for servable in (True, False)]
    for candidate in candidates:
        inputs = {"model": models, "model_blessing": blessings, CANDIDATE: [candidate]}
        baseline = BlessedBeforeCandidateStrategy().resolve_artifacts(None, inputs) or {}
        for key in ("model", "model_blessing"):
            kept.update(artifact.id for artifact in baseline.get(key, ()))
    return kept


def _candidate_to_come(*, servable: bool) -> types.Artifact:
    candidate = standard_artifacts.Model()
    candidate.id = _NEWEST_ID
    candidate.set_int_custom_property(SERVABLE, int(servable))
    return candidate


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
