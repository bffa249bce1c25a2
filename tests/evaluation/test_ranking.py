"""Ranking by macro-F1, ties to the lower log-loss, and who may be pushed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluation.ranking import Candidate, Ranking, rank

NOISE = np.random.default_rng(0).normal(size=400)
OTHER_NOISE = np.random.default_rng(1).normal(size=400)


def candidate(
    name: str,
    macro_f1: float,
    parameters: int | None,
    *,
    error: float = 0.0,
    log_loss: float = 1.0,
    barred: str | None = None,
    losses: dict[int, float] | None = None,
) -> Candidate:
    """Return a candidate whose difference to one without error has this standard error."""
    replicates = macro_f1 + error * OTHER_NOISE / np.std(OTHER_NOISE, ddof=1) + NOISE
    return Candidate(name, macro_f1, log_loss, replicates, parameters, barred, losses or {})


def ranked(*candidates: Candidate) -> Ranking:
    """Return the ranking, which must be the same in any order of the candidates."""
    rankings = [rank(order) for order in itertools.permutations(candidates)]
    assert all(ranking == rankings[0] for ranking in rankings)
    return rankings[0]


def test_the_highest_macro_f1_is_best_where_no_other_is_near() -> None:
    found = ranked(
        candidate("big", 0.8, 9_000), candidate("low", 0.5, 10), candidate("mid", 0.6, 100)
    )
    assert found.order == ("big", "mid", "low")
    assert (found.best, found.tied, found.withheld) == ("big", frozenset(), None)
    assert found.why_best.startswith("big has the highest macro-F1, 0.800, and no other comes")


def test_a_tie_goes_to_the_lower_log_loss() -> None:
    found = ranked(
        candidate("high", 0.8, 10, log_loss=0.9),
        candidate("sure", 0.77, 9_000, error=0.031, log_loss=0.5),
        candidate("small", 0.79, 5, error=0.02, log_loss=0.7),
        candidate("low", 0.6, 10, error=0.1, log_loss=0.1),
    )
    assert found.order == ("sure", "high", "small", "low")
    assert found.tied == {"high", "small", "sure"}
    assert found.why_best == (
        "sure, with a macro-F1 of 0.770, is tied with high, with 0.800 (one standard error of "
        "their difference is 0.031), and has the lowest log-loss of those tied, 0.500"
    )


def test_clips_that_all_of_those_tied_were_scored_on_unseen_decide() -> None:
    found = ranked(
        candidate("a", 0.8, 10, log_loss=0.1, losses={1: 0.9, 2: 0.7, 3: 0.1}),
        candidate("b", 0.79, 10, error=0.02, log_loss=0.2, losses={1: 0.5, 2: 0.7, 4: 9.0}),
        # Far from tied, it does not matter what it was scored on.
        candidate("low", 0.2, 10, losses={9: 0.1}),
    )
    assert (found.best, found.tied) == ("b", {"a", "b"})
    assert "0.600 on the 2 clips of train and eval" in found.why_best
    found = ranked(
        candidate("a", 0.8, 10, log_loss=0.1, losses={1: 0.9}),
        candidate("b", 0.79, 10, error=0.02, log_loss=0.2, losses={2: 0.5}),
    )
    assert found.best == "a"
    assert found.why_best.endswith("log-loss of those tied, 0.100")


def test_of_equal_log_losses_the_smaller_model_is_taken() -> None:
    found = ranked(
        candidate("big", 0.8, 9_000),
        candidate("small", 0.77, 1_200, error=0.031),
        candidate("mid", 0.79, 3_000, error=0.02),
        candidate("tiny", 0.6, 10, error=0.1),
    )
    assert found.order == ("small", "big", "mid", "tiny")
    assert found.tied == {"big", "mid", "small"}
    assert "is tied with big, with 0.800 (one standard error of their difference is 0.031)" in (
        found.why_best
    )
    assert found.why_best.endswith("and of equals the fewest parameters")


def test_one_standard_error_is_the_limit() -> None:
    big = candidate("big", 0.8, 9_000)
    assert ranked(big, candidate("small", 0.77, 10, error=0.0301)).best == "small"
    assert ranked(big, candidate("small", 0.77, 10, error=0.0299)).best == "big"


def test_the_difference_is_taken_in_pairs() -> None:
    # Each alone is as uncertain as can be, but they are so together: NOISE has a deviation of 1.
    assert ranked(candidate("big", 0.8, 9), candidate("small", 0.77, 1)).best == "big"


def unknown(name: str, macro_f1: float, parameters: int) -> Candidate:
    """Return a candidate that is known by a single replicate, as one artist or none may leave."""
    return Candidate(name, macro_f1, 1.0, np.array([macro_f1, np.nan, np.nan]), parameters)


def test_where_the_error_is_unknown_all_are_tied() -> None:
    found = ranked(unknown("big", 0.8, 9_000), unknown("small", 0.3, 10))
    assert (found.best, found.tied) == ("small", {"big", "small"})
    assert "too few artists to estimate the standard error" in found.why_best
    found = ranked(unknown("big", 0.3, 9_000), unknown("small", 0.8, 10))
    assert (found.best, found.tied) == ("small", {"big", "small"})
    assert found.why_best.startswith(
        "small has the highest macro-F1, 0.800, is tied with big (there are too few artists"
    )


def test_equal_replicates_are_a_known_error_of_nothing() -> None:
    big, small = (
        Candidate(name, macro_f1, 1.0, np.full(400, 0.5), parameters)
        for name, macro_f1, parameters in (("big", 0.8, 9_000), ("small", 0.79, 10))
    )
    assert ranked(big, small).tied == frozenset()


@pytest.mark.parametrize(("log_loss", "best"), [(0.8996, "small"), (0.899, "big")])
def test_log_losses_are_equal_where_they_are_shown_as_equal(log_loss: float, best: str) -> None:
    small = candidate("small", 0.79, 10, error=0.02, log_loss=0.9)
    found = ranked(candidate("big", 0.8, 9_000, log_loss=log_loss), small)
    assert found.best == best
    assert ("of equals the fewest" in found.why_best) == (best == "small")


def test_of_equal_log_losses_and_sizes_the_higher_macro_f1_is_taken() -> None:
    found = ranked(candidate("b", 0.8, 10), candidate("a", 0.79, 10, error=0.02))
    assert (found.best, found.tied) == ("b", {"a", "b"})
    assert "b has the highest macro-F1, 0.800, is tied with a (within" in found.why_best


def test_equal_figures_and_sizes_are_ranked_by_name() -> None:
    assert ranked(candidate("b", 0.5, 10), candidate("a", 0.5, 10)).order == ("a", "b")


def test_a_model_of_unknown_size_counts_as_large() -> None:
    found = ranked(candidate("a", 0.5, None), candidate("b", 0.5, 10**9))
    assert found.order == ("b", "a")


def test_a_single_candidate_needs_no_reason() -> None:
    assert ranked(candidate("a", 0.5, 1)).why_best == "a is the only one to choose from"


def test_a_leader_that_is_barred_leads_and_the_best_of_the_others_is_pushed() -> None:
    candidates = [
        candidate("table", 0.9, 5, barred="needs more than audio"),
        candidate("big", 0.7, 100),
        candidate("small", 0.69, 50, error=0.02),
    ]
    found = ranked(*candidates)
    assert found.order == ("table", "big", "small")
    assert (found.best, found.withheld) == ("small", None)
    assert found.why_best.startswith("table leads, but needs more than audio")


def test_where_all_are_barred_the_best_is_withheld() -> None:
    found = ranked(
        candidate("a", 0.9, 5, barred="is too slow"), candidate("b", 0.7, 1, barred="is too large")
    )
    assert found.best == "a"
    assert found.withheld is not None
    assert found.withheld.startswith("a is too slow")
