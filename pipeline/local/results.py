"""From a run's artifacts to what a user looks at: leaderboard, bad files, verdict."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from tfx.utils import path_utils

from common import files, strict_json
from components.atomic_pusher import push_unless_newest
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
from evaluation.config import GateConfig
from evaluation.verdict import complete_board, failed_board
from models.training import fit_record
from report.data import PAGE_NAME


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


def withdraw(output_dir: str) -> None:
    """Removes what an earlier run has published, which a run that fails would seem to say.

    The pages of earlier runs are still among the artifacts, for `music-genre report`.
    """
    for name in (LEADERBOARD_NAME, BAD_FILES_NAME, f"{REPORT}/{PAGE_NAME}"):
        Path(output_dir, name).unlink(missing_ok=True)


def publish_failure(outputs: dict[tuple[str, str], Any], output_dir: str, reason: str) -> None:
    """Writes what there is of a run that did not come to its end: bad-file list, leaderboard.

    Args:
        outputs: what `metadata_store.latest_outputs` returned for it.
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
    outputs: dict[tuple[str, str], Any],
    output_dir: str,
    gate: GateConfig,
    max_credible_accuracy: float,
) -> RunResult:
    """Writes leaderboard, bad-file list and report into `output_dir` and returns the result.

    Args:
        outputs: what `metadata_store.latest_outputs` returned for a run that came to its end.
        output_dir: the run's folder.
        gate: what the model was judged by.
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
        gate=gate,
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
    """Returns the newest version, which is the pushed model, and a note where it is a new one.

    TFX's cache knows that the model has been pushed, but not that the version was removed since, or
    that another run has pushed a newer one, of another model.
    """
    destination = _custom_property(pushed, "pushed_destination")
    if not destination:
        return None, None
    base, _, before = destination.rpartition("/")
    version, is_new = push_unless_newest(pushed.uri, base)
    note = f"version {before}, of an earlier run, was changed or is not the newest: pushed again"
    return f"{base}/{version}", note if is_new else None


def _custom_property(artifact: Any, name: str) -> Any:
    if name not in artifact.custom_properties:
        return None
    value = artifact.custom_properties[name]
    return getattr(value, value.WhichOneof("value"))
