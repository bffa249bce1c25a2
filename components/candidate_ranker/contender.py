"""A model that takes part in the contest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.candidate_ranker import latency
from evaluation.config import ContestConfig
from models import held_out
from models.held_out import HeldOut
from models.training.fit_record import FitRecord


@dataclasses.dataclass(frozen=True)
class Contender:
    """A model that takes part.

    Attributes:
        fit: how it was trained.
        path: its SavedModel.
        prediction_ms: see `latency.prediction_ms`.
        barred: why it must not be the best, None where it may.
        held_out: its scores of clips that it was not fitted on, None where there are none.
    """

    fit: FitRecord
    path: str
    prediction_ms: float
    barred: str | None
    held_out: HeldOut | None


def contender(
    fit: FitRecord, path: str, examples: Sequence[bytes], contest: ContestConfig
) -> Contender:
    """Returns a trained model as a contender.

    Args:
        fit: how it was trained.
        path: its SavedModel.
        examples: clips to measure its time with, see `latency.first_examples`.
        contest: what a model may need.
    """
    prediction_ms = latency.prediction_ms(path, examples)
    barred = bar(fit, prediction_ms, contest)
    return Contender(fit, path, prediction_ms, barred, held_out.read(path))


def bar(fit: FitRecord, prediction_ms: float, contest: ContestConfig) -> str | None:
    """Returns why a model must not be the best, None where it may."""
    if not fit.servable and not contest.push_unservable:
        return "needs more than audio (--push-unservable lets it be the best)"
    most_ms, most_parameters = contest.max_prediction_ms, contest.max_parameters
    if most_ms is not None and prediction_ms > most_ms:
        return f"takes {prediction_ms:g} ms for a clip (--max-prediction-ms is {most_ms:g})"
    if most_parameters is not None and (fit.parameters or 0) > most_parameters:
        return f"has {fit.parameters:,} parameters (--max-parameters is {most_parameters:,})"
    return None
