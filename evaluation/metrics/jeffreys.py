"""Jeffreys intervals, for figures of which every replicate of a bootstrap is the same.

A bootstrap only repeats what the sample holds. Of 4 right clips of 4 every replicate is right, and
its percentiles [1, 1] say nothing of the next clip. The unit is the artist, not the clip, since
clips of one artist resemble each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from scipy import special

TAILS = (0.025, 0.975)


def of_share(share: float, n_artists: float) -> tuple[float, float]:
    """Returns the 95 % interval of a share, as that of `n_artists` independent observations.

    These are the quantiles of Beta(x + 1/2, n - x + 1/2) for x of n; 0 and 1 are within the
    interval where they are observed (Brown, Cai, DasGupta, 2001, "Interval estimation for a
    binomial proportion"). Neither x nor n need be whole.
    """
    right = share * n_artists
    low, high = special.betaincinv(right + 0.5, n_artists - right + 0.5, TAILS)
    return 0.0 if share <= 0 else float(low), 1.0 if share >= 1 else float(high)


def of_f1(f1: float, n_artists: float) -> tuple[float, float]:
    """Returns the 95 % interval of a class's F1.

    F1 = 2 J / (1 + J) of J = TP / (TP + FP + FN), which is a share (Lam, Gopal, Qian, 2023,
    "Confidence intervals for the F1 score").
    """
    low, high = of_share(f1 / (2 - f1), n_artists)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def artists_of_mean(artists_of: Iterable[int]) -> float:
    """Returns of how many artists a share has the variance of a mean over K classes.

    Shares p of n_k independent artists each have the variance p (1 - p) / n_k, and their mean that
    of a share of K^2 / sum(1 / n_k) artists: fewer than the sum of n_k where classes are uneven.
    """
    artists = list(artists_of)
    return len(artists) ** 2 / sum(1 / n for n in artists)
