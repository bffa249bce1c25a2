"""Which candidate is the best: pure functions of their figures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.bootstrap import standard_error

_UNKNOWN_ERROR = "there are too few artists to estimate the standard error of a difference"


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """What a candidate is ranked by.

    Attributes:
        name: of the model.
        macro_f1: on the eval split.
        log_loss: on the eval split, in nats a clip.
        replicates: its macro-F1 in each replicate of the bootstrap, float64 [replicates];
            NaN where it is unknown.
        parameters: numbers that the model holds, None where that is not known.
        barred: why it must not be pushed, as in "needs more than audio"; None where it may.
        losses: log-loss by track of clips of train and eval that it was not fitted on; empty where
            that is not known.
    """

    name: str
    macro_f1: float
    log_loss: float
    replicates: NDArray[np.float64]
    parameters: int | None
    barred: str | None = None
    losses: Mapping[int, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The contest's outcome.

    Attributes:
        order: names, best first.
        tied: names of those that are tied with the highest macro-F1, itself among them; empty where
            none is.
        best: the one to be judged and pushed: the first, or the first that is not barred.
        withheld: why even a blessing would not have it pushed, None where nothing speaks against.
        why_best: a sentence.
    """

    order: tuple[str, ...]
    tied: frozenset[str]
    best: str
    withheld: str | None
    why_best: str


def rank(candidates: Sequence[Candidate]) -> Ranking:
    """Returns the ranking by macro-F1, in which log-loss decides ties.

    By the one-standard-error rule (Breiman et al., 1984) a candidate is tied with the highest if
    its macro-F1 is lower by no more than one standard error of their difference, which the paired
    bootstrap gives. Where that error is unknown, as on clips of one artist, nothing tells them
    apart, so they are tied. Of those that are tied the one with the lowest log-loss is first: it
    counts how sure a model is of every clip, and so tells models apart with far fewer clips than
    macro-F1 needs. Of equal ones it is the one with the fewest parameters, then the one with the
    higher macro-F1; never the one that is faster by the clock, on which no two runs agree.

    Args:
        candidates: at least one, in any order.
    """
    winner, tied = _winner(candidates)
    eligible = [candidate for candidate in candidates if not candidate.barred]
    best, withheld = winner, None
    why = _why(winner, tied, len(candidates))
    if winner.barred and eligible:
        best, tied_eligible = _winner(eligible)
        why = (
            f"{winner.name} leads, but {winner.barred}, so it is not pushed; of the others "
            f"{_why(best, tied_eligible, len(eligible))}"
        )
    elif winner.barred:
        withheld = f"{best.name} {winner.barred}, and no other candidate may be pushed"
    rest = sorted((c for c in candidates if c is not winner), key=_by_macro_f1)
    return Ranking(
        order=(winner.name, *(candidate.name for candidate in rest)),
        tied=frozenset(candidate.name for candidate in tied if len(tied) > 1),
        best=best.name,
        withheld=withheld,
        why_best=why,
    )


def _winner(candidates: Sequence[Candidate]) -> tuple[Candidate, list[Candidate]]:
    """Returns the surest of those tied with the highest macro-F1, and all of these."""
    highest = min(candidates, key=_by_macro_f1)
    tied = [
        other
        for other in sorted(candidates, key=_by_macro_f1)
        if highest.macro_f1 - other.macro_f1 <= _standard_error(highest, other)
    ]
    log_losses = _log_losses(tied)
    return min(tied, key=lambda candidate: (log_losses[candidate.name], *_by_size(candidate))), tied


def _log_losses(tied: Sequence[Candidate]) -> dict[str, float]:
    """Returns the log-losses that decide: on all clips that all were scored on unseen, or on eval.

    They are rounded as they are shown, so that no digit that nobody sees decides.
    """
    shared = _shared(tied)
    return {
        c.name: round(float(np.mean([c.losses[t] for t in shared])) if shared else c.log_loss, 3)
        for c in tied
    }


def _shared(tied: Sequence[Candidate]) -> list[int]:
    """Returns the tracks that all were scored on unseen."""
    return sorted(set.intersection(*(set(candidate.losses) for candidate in tied)))


def _standard_error(one: Candidate, other: Candidate) -> float:
    return standard_error(one.replicates - other.replicates)


def _by_macro_f1(candidate: Candidate) -> tuple[float, float, str]:
    return -candidate.macro_f1, _size(candidate), candidate.name


def _by_size(candidate: Candidate) -> tuple[float, float, str]:
    return _size(candidate), -candidate.macro_f1, candidate.name


def _size(candidate: Candidate) -> float:
    return float("inf") if candidate.parameters is None else candidate.parameters


def _why(winner: Candidate, tied: Sequence[Candidate], n_candidates: int) -> str:
    if n_candidates == 1:
        return f"{winner.name} is the only one to choose from"
    highest, others = tied[0], [other for other in tied if other is not winner]
    leads = f"{highest.name} has the highest macro-F1, {highest.macro_f1:.3f}"
    if not others:
        return f"{leads}, and no other comes within one standard error of it"
    if winner is highest:
        found, rivals = leads, ", ".join(other.name for other in others)
    else:
        found = f"{winner.name}, with a macro-F1 of {winner.macro_f1:.3f}"
        rivals = f"{highest.name}, with {highest.macro_f1:.3f}"
    error = _standard_error(highest, others[0] if winner is highest else winner)
    if math.isinf(error):
        why_tied = _UNKNOWN_ERROR
    elif winner is highest:
        why_tied = "within one standard error of it"
    else:
        why_tied = f"one standard error of their difference is {error:.3f}"
    return f"{found}, is tied with {rivals} ({why_tied}), and has {_lowest(winner, tied)}"


def _lowest(winner: Candidate, tied: Sequence[Candidate]) -> str:
    """Returns by what the winner is before those that it is tied with."""
    log_losses, shared = _log_losses(tied), _shared(tied)
    lowest = f"the lowest log-loss of those tied, {log_losses[winner.name]:.3f}"
    if shared:
        lowest += f" on the {len(shared)} clips of train and eval that none of them was fitted on"
    if list(log_losses.values()).count(log_losses[winner.name]) > 1:
        lowest += ", and of equals the fewest parameters"
    return lowest
