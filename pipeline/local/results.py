"""From a run's artifacts to what a user looks at: leaderboard, bad files, verdict."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx.utils import path_utils

from common import files, strict_json
from components.candidate_ranker.executor import (
    BEST_MODEL,
    FITS_NAME,
    LEADERBOARD,
    LEADERBOARD_NAME,
    entry_of,
)
from components.genre_report.executor import REPORT
from components.model_properties import WITHHELD
from dataset.bad_files import BAD_FILES_NAME, SUMMARY_NAME
from evaluation.verdict import complete_board, failed_board
from models.training import fit_record
from pipeline.local.ensure_served import serve
from report.data import PAGE_NAME

_PIPELINE_RUN = "pipeline_run"
_NODE = "node"


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        leaderboard: the content of `leaderboard.json`.
        pushed_to: the folder of the newest version, None where the model was refused.
        note: what else there is to say of the push, or None.
        faults: lines of the bad-file list by kind.
        report: path of the page.
    """

    leaderboard: dict[str, Any]
    pushed_to: str | None
    note: str | None
    faults: dict[str, int]
    report: str


def latest_run(metadata_path: str) -> int:
    """Returns the id of the latest run in the metadata store, 0 where there is none."""
    if not Path(metadata_path).exists():
        return 0
    runs = open_store(metadata_path).get_contexts_by_type(_PIPELINE_RUN)
    return max((run.id for run in runs), default=0)


def open_store(metadata_path: str) -> metadata_store.MetadataStore:
    """Returns the metadata store in a SQLite file."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = metadata_path
    return metadata_store.MetadataStore(config)


def latest_outputs(
    metadata_path: str, pipeline_name: str, after: int = 0
) -> dict[tuple[str, str], Any]:
    """Returns {(node id, output key): MLMD artifact} of the latest run, cached nodes included.

    Args:
        metadata_path: of the metadata store.
        pipeline_name: as TFX knows it.
        after: id of a run; where there is none after it, there is nothing to return.
    """
    run = latest_run(metadata_path)
    if run <= after:
        return {}
    store = open_store(metadata_path)
    outputs = {}
    for execution in store.get_executions_by_context(run):
        contexts = store.get_contexts_by_execution(execution.id)
        (node,) = (context.name for context in contexts if context.type == _NODE)
        for event in store.get_events_by_execution_ids([execution.id]):
            if event.type == metadata_store_pb2.Event.OUTPUT:
                (artifact,) = store.get_artifacts_by_id([event.artifact_id])
                key = event.path.steps[0].key
                outputs[node.removeprefix(f"{pipeline_name}."), key] = artifact
    return outputs


def withdraw(output_dir: str) -> None:
    """Removes what an earlier run has published, which a run that fails would seem to say.

    The pages of earlier runs are still among the artifacts, for `music-genre report`.
    """
    for name in (LEADERBOARD_NAME, BAD_FILES_NAME, f"{REPORT}/{PAGE_NAME}"):
        Path(output_dir, name).unlink(missing_ok=True)


def publish_failure(outputs: dict[tuple[str, str], Any], output_dir: str, reason: str) -> None:
    """Writes what there is of a run that did not come to its end: bad-file list, leaderboard.

    Args:
        outputs: what `latest_outputs` returned for it.
        output_dir: the run's folder.
        reason: why it failed.
    """
    if examples := outputs.get(("FmaExampleGen", "examples")):
        _publish_bad_files(examples.uri, output_dir)
    model_dirs = [
        path_utils.serving_model_dir(artifact.uri)
        for (node, key), artifact in outputs.items()
        if node.startswith("Trainer.") and key == "model"
    ]
    fits = [fit_record.read(path) for path in model_dirs if fit_record.exists(path)]
    board = failed_board([entry_of(fit) for fit in fits], reason)
    _write_board(board, output_dir)


def _write_board(board: dict[str, Any], output_dir: str) -> None:
    files.write_text(files.join(output_dir, LEADERBOARD_NAME), strict_json.dumps(board, indent=2))


def _publish_bad_files(examples_uri: str, output_dir: str) -> None:
    bad_files = files.read_text(files.join(examples_uri, BAD_FILES_NAME))
    files.write_text(files.join(output_dir, BAD_FILES_NAME), bad_files)


def publish(
    outputs: dict[tuple[str, str], Any], output_dir: str, max_credible_accuracy: float
) -> RunResult:
    """Writes leaderboard, bad-file list and report into `output_dir` and returns the result.

    Args:
        outputs: what `latest_outputs` returned for a run that came to its end.
        output_dir: the run's folder.
        max_credible_accuracy: an accuracy above it is an alarm.
    """
    examples_uri = outputs["FmaExampleGen", "examples"].uri
    _publish_bad_files(examples_uri, output_dir)
    summary = json.loads(files.read_text(files.join(examples_uri, SUMMARY_NAME)))
    leaderboard_uri = outputs["CandidateRanker", LEADERBOARD].uri
    ranked = json.loads(files.read_text(files.join(leaderboard_uri, LEADERBOARD_NAME)))
    fits = json.loads(files.read_text(files.join(leaderboard_uri, FITS_NAME)))
    board = complete_board(
        ranked,
        outputs["Evaluator", "evaluation"].uri,
        genres=fits[ranked["best"]]["genres"],
        blessed=_custom_property(outputs["Evaluator", "blessing"], "blessed") == 1,
        withheld=_custom_property(outputs["CandidateRanker", BEST_MODEL], WITHHELD),
        overlaps=summary["overlaps"],
        max_credible_accuracy=max_credible_accuracy,
        clips=summary["clips"],
    )
    # A board that says blessed is written only where that model is served.
    pushed_to, note = None, None
    if board["blessed"]:
        pushed_to, note = _serve(outputs["AtomicPusher", "pushed_model"])
    _write_board(board, output_dir)
    page = files.read_text(files.join(outputs["GenreReport", REPORT].uri, PAGE_NAME))
    report = files.join(output_dir, REPORT, PAGE_NAME)
    files.write_text(report, page)
    return RunResult(board, pushed_to, note, summary["faults"], report)


def _serve(pushed: Any) -> tuple[str | None, str | None]:
    """Returns the newest version, which is the pushed model, and what there is to say of it."""
    destination = _custom_property(pushed, "pushed_destination")
    if not destination:
        return None, None
    base, _, before = destination.rpartition("/")
    version, pushed_again = serve(pushed.uri, base)
    if not pushed_again:
        return str(version), None
    return str(version), (
        f"version {before}, of an earlier run, is not there as it was, or not the newest: "
        "pushed again"
    )


def _custom_property(artifact: Any, name: str) -> Any:
    if name not in artifact.custom_properties:
        return None
    value = artifact.custom_properties[name]
    return getattr(value, value.WhichOneof("value"))
