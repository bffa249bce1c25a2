"""The verdict as a table: what the gate asked for, what was measured, and what TFMA decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evaluation.config import GateConfig
from evaluation.refusals import ACCURACY, MACRO_F1, RECALL, Miss
from evaluation.tfma_results import Baseline, Evaluation

Row = dict[str, Any]
MAY_BE_PUSHED = "may be pushed"
TOO_FEW_CLIPS = "too few clips to judge"


def gate_table(
    gate: GateConfig,
    test: Evaluation,
    baseline: Baseline | None,
    misses: Collection[Miss],
    withheld: str | None,
) -> list[Row]:
    """Returns a row for everything that the gate checked.

    Args:
        gate: the thresholds.
        test: figures of the judged model.
        baseline: those of the last blessed model on the same clips, or None.
        misses: the thresholds that the model missed.
        withheld: why the model is not pushed whatever its figures, or None.

    Returns:
        Rows with the keys `check`; `required`, the least that is allowed; `measured`; `baseline`,
        the last blessed model's figure or None; `passed`, which is None where `required` says why
        it was not judged. Figures are numbers.
    """
    missed = {(miss.genre, miss.figure, miss.is_drop) for miss in misses}
    table = []
    if withheld:
        table.append(_row(MAY_BE_PUSHED, "yes", "no", None, False))
    for genre, figure, measured, before, floor, max_drop in _subjects(gate, test, baseline):
        check = f"{figure} of {genre}" if genre else figure
        if genre and test.per_genre[genre]["clips"] < gate.min_clips:
            table.append(_row(check, TOO_FEW_CLIPS, measured, before, None))
            continue
        passed = (genre, figure, False) not in missed
        table.append(_row(check, floor, measured, before, passed))
        if before is not None:
            least, passed = max(before - max_drop, 0.0), (genre, figure, True) not in missed
            table.append(_row(f"{check} vs last blessed", least, measured, before, passed))
    return table


def _subjects(
    gate: GateConfig, test: Evaluation, baseline: Baseline | None
) -> Iterator[tuple[str, str, float, float | None, float, float]]:
    """Yields (genre or nothing, figure, measured, last blessed, least, largest drop)."""
    for figure, key, floor in (
        (ACCURACY, "accuracy", gate.min_accuracy),
        (MACRO_F1, "macro_f1", gate.min_macro_f1),
    ):
        before = baseline.overall[key] if baseline else None
        yield "", figure, test.overall[key], before, floor, gate.max_drop
    for genre, figures in test.per_genre.items():
        before = baseline.recall[genre] if baseline else None
        floor, max_drop = gate.min_genre_recall, gate.max_genre_drop
        yield genre, RECALL, figures["recall"], before, floor, max_drop


def _row(check: str, required: Any, measured: Any, baseline: Any, passed: bool | None) -> Row:
    return {
        "check": check,
        "required": required,
        "measured": measured,
        "baseline": baseline,
        "passed": passed,
    }
