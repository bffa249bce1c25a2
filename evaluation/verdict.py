"""From what ranker, Evaluator and ingestion say to the one verdict of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.alarms import alarms
from evaluation.config import GateConfig
from evaluation.gate_table import gate_table
from evaluation.refusals import misses, refusals
from evaluation.tfma_results import read_baseline, read_evaluation


def complete_board(
    board: Mapping[str, Any],
    evaluation_uri: str,
    *,
    genres: Sequence[str],
    blessed: bool,
    withheld: str | None,
    gate: GateConfig,
    overlaps: Mapping[str, Sequence[Any]],
    max_credible_accuracy: float,
    clips: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Returns the whole content of `leaderboard.json`.

    Args:
        board: what the ranker wrote.
        evaluation_uri: folder of the Evaluator's ModelEvaluation.
        genres: names by class id, as the best model's training has them.
        blessed: what the Evaluator decided.
        withheld: why the best model is not pushed whatever the Evaluator decided, or None.
        gate: what the Evaluator decided by.
        overlaps: see `alarms`.
        max_credible_accuracy: an accuracy above it is an alarm.
        clips: how many each split holds of each genre.

    Returns:
        `board` with `test`, the best model's figures; `blessed`, whether it is fit to be pushed;
        `reasons` why not, and `alarms`, each a list of sentences; `gate`, see `gate_table`.
    """
    test = read_evaluation(evaluation_uri, "", genres)
    whole = {
        **board,
        "test": {
            **test.overall,
            **{f"{name}_interval": list(bounds) for name, bounds in test.intervals.items()},
            "per_genre": test.per_genre,
            "confusion": test.confusion,
        },
        "blessed": blessed and not withheld,
        "reasons": [*([withheld] if withheld else []), *refusals(evaluation_uri)],
        "gate": gate_table(
            gate, test, read_baseline(evaluation_uri), misses(evaluation_uri), withheld
        ),
    }
    return {**whole, "alarms": alarms(whole, overlaps, max_credible_accuracy, clips)}


def failed_board(entries: Sequence[Mapping[str, Any]], reason: str) -> dict[str, Any]:
    """Returns the content of `leaderboard.json` for a run that did not come to a verdict.

    Args:
        entries: of the candidates whose trainings ended, see `candidate_ranker`.
        reason: why the run failed.
    """
    return {
        "models": list(entries),
        "best": None,
        "leader": None,
        "why_best": None,
        "test": None,
        "blessed": False,
        "reasons": [reason],
        "gate": [],
        "alarms": [],
    }
