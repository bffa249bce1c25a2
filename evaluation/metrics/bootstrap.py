"""The Poisson bootstrap over artists: pure functions of counts.

Clips of one artist resemble each other, so artists are resampled, not clips. In a replicate every
artist counts Poisson(1) times (Chamandy et al., 2012, "Estimating uncertainty for massive data
streams"), a number that follows from the seed and the artist alone: so it needs no second pass, is
the same on every runner and machine, and all models are measured on the same replicates.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import jeffreys

N_REPLICATES = 400
SEED = 0
_ROUNDING = 1e-9
_ARTISTS_KEPT = 2**15  # their weights; 12 MiB

Float64s = NDArray[np.float64]
Interval = tuple[float, float]
# How many clips of an artist (see `inputs.cluster`) with a label got a prediction.
Counts = Mapping[tuple[int, int, int], int]


def _poisson_thresholds() -> NDArray[np.uint64]:
    """Returns P(Poisson(1) <= k) for k = 0, 1, … as 64-bit fractions, as far as they differ."""
    masses = [math.exp(-1) / math.factorial(k) for k in range(18)]
    shares = np.cumsum(masses)
    return (shares[shares < 1 - 2**-52] * 2.0**64).astype(np.uint64)


_THRESHOLDS = _poisson_thresholds()


@functools.lru_cache(maxsize=_ARTISTS_KEPT)
def weights(cluster: int) -> NDArray[np.uint8]:
    """Returns how often an artist counts in each replicate, uint8 [N_REPLICATES].

    The bits are Philox's (Salmon et al., 2011), whose key is the seed and the artist; NumPy keeps
    the bits of its generators from version to version, but not what it makes of them.
    """
    philox = np.random.Philox(key=np.array([SEED, cluster % 2**64], dtype=np.uint64))
    bits = philox.random_raw(N_REPLICATES)
    found = np.searchsorted(_THRESHOLDS, bits, side="right").astype(np.uint8)
    found.flags.writeable = False
    return found


@dataclasses.dataclass(frozen=True)
class Replicates:
    """Figures of the replicates, each float64 [N_REPLICATES], NaN where one holds no such clip.

    A class that the sample has clips of is known in a replicate only if some of them are drawn:
    what else is taken for it tells nothing of how well it is recognised.

    Attributes:
        n_artists: how many were resampled.
        artists_of: by class id, of how many of them the sample has clips of the class.
        accuracy: share of the clips that are right.
        macro_f1: mean F1 of the classes that are known in the replicate.
        recall: by class id.
        f1: by class id.
    """

    n_artists: int
    artists_of: dict[int, int]
    accuracy: Float64s
    macro_f1: Float64s
    recall: dict[int, Float64s]
    f1: dict[int, Float64s]

    @property
    def comparable_macro_f1(self) -> Float64s:
        """Macro-F1 for comparing two models: NaN throughout where there are no two artists.

        In all the replicates that hold a single artist at all the figures are the same; that is no
        sign that the models would differ just as much for others.
        """
        return self.macro_f1 if self.n_artists > 1 else np.full(N_REPLICATES, math.nan)

    def accuracy_interval(self) -> Interval:
        """Returns the 95 % interval of the accuracy, see `_interval`."""
        return _interval(self.accuracy, self.n_artists, jeffreys.of_share)

    def macro_f1_interval(self) -> Interval:
        """Returns the 95 % interval of the macro-F1, see `_interval`.

        Where the replicates agree macro-F1 is taken for a mean of recalls: in a balanced sample one
        wrong clip costs both the same.
        """
        artists = jeffreys.artists_of_mean(n for n in self.artists_of.values() if n)
        return _interval(self.macro_f1, min(artists, self.n_artists), jeffreys.of_share)

    def recall_interval(self, label: int) -> Interval:
        """Returns the 95 % interval of a class's recall, see `_interval`."""
        return _interval(self.recall[label], self.artists_of[label], jeffreys.of_share)

    def f1_interval(self, label: int) -> Interval:
        """Returns the 95 % interval of a class's F1, see `_interval`."""
        return _interval(self.f1[label], self.artists_of[label], jeffreys.of_f1)


def _interval(
    values: Float64s, n_artists: float, of_constant: Callable[[float, float], Interval]
) -> Interval:
    """Returns the 95 % interval of a figure: the percentiles of its values in the replicates.

    Where all of these are the same, as those of a figure of 0 or 1 are, it is a Jeffreys interval
    on the number of artists. A single artist does not tell how others would fare: (0, 1).
    """
    known = values[~np.isnan(values)]
    if n_artists < 2 or not known.size:
        return 0.0, 1.0
    low, high = np.quantile(known, jeffreys.TAILS)
    if high - low < _ROUNDING:
        return of_constant(float(low), n_artists)
    return float(low), float(high)


def replicate(counts: Counts) -> Replicates:
    """Returns the figures of all replicates of a sample."""
    hits: dict[int, NDArray[np.int64]] = {}
    actual: dict[int, NDArray[np.int64]] = {}
    predicted: dict[int, NDArray[np.int64]] = {}
    classes = sorted({index for _, *pair in counts for index in pair})
    for table in (hits, actual, predicted):
        table.update((index, np.zeros(N_REPLICATES, np.int64)) for index in classes)
    for (artist, label, prediction), count in counts.items():
        times = weights(artist).astype(np.int64) * count
        actual[label] += times
        predicted[prediction] += times
        if label == prediction:
            hits[label] += times
    artists_of = Counter(label for _, label in {(artist, label) for artist, label, _ in counts})
    f1 = {}
    for index in classes:
        # Without this a genre of few artists would have an F1 of 0 wherever these are not drawn.
        known = (actual[index] > 0) | (artists_of[index] == 0)
        f1[index] = _share(2 * hits[index], np.where(known, actual[index] + predicted[index], 0))
    zeros = np.zeros(N_REPLICATES, np.int64)
    occurs = sum((np.isfinite(values).astype(np.int64) for values in f1.values()), zeros)
    return Replicates(
        n_artists=len({artist for artist, _, _ in counts}),
        artists_of={index: artists_of[index] for index in classes},
        accuracy=_share(sum(hits.values(), zeros), sum(actual.values(), zeros)),
        macro_f1=_share(sum(map(np.nan_to_num, f1.values()), np.zeros(N_REPLICATES)), occurs),
        recall={index: _share(hits[index], actual[index]) for index in classes},
        f1=f1,
    )


def _share(part: NDArray[np.number[Any]], whole: NDArray[np.int64]) -> Float64s:
    """Returns part / whole, NaN where the whole is 0."""
    unknown = np.full(N_REPLICATES, math.nan)
    return np.divide(part, whole, out=unknown, where=whole > 0)


def standard_error(differences: Float64s) -> float:
    """Returns the standard error of a figure, by its values in the replicates.

    It is infinite where it is unknown, that is, where fewer than two of the values are known.

    For two models' difference give the differences replicate by replicate: both are measured on the
    same artists, so what is hard for both cancels.
    """
    known = differences[~np.isnan(differences)]
    return float(np.std(known, ddof=1)) if known.size > 1 else math.inf
