"""The bootstrap, against one that really draws: artists repeated, figures by scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

from evaluation.metrics import bootstrap

N = bootstrap.N_REPLICATES


def drawn(artist: int) -> NDArray[np.int64]:
    """Return how often an artist counts, by the quantiles of Poisson(1) of Philox's fractions."""
    bits = np.random.Philox(key=np.array([0, artist % 2**64], np.uint64)).random_raw(N)
    return stats.poisson.ppf(bits / 2.0**64, 1).astype(np.int64)


def sample(n_clips: int = 60) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return artists, labels and predictions; an artist has one genre and one to many clips."""
    rng = np.random.default_rng(1)
    artists = rng.integers(-5, 12, n_clips)  # below 0: tracks without an artist
    labels = artists % 4
    predictions = np.where(rng.random(n_clips) < 0.6, labels, rng.integers(0, 4, n_clips))
    return artists, labels, predictions


def counted(*columns: NDArray[np.int64]) -> Counter[tuple[int, ...]]:
    """Return how often each row occurs."""
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def test_the_weights_are_poisson_and_belong_to_the_artist() -> None:
    for artist in (0, 1, 2, 10**6, -1, -(10**6)):
        assert bootstrap.weights(artist).tolist() == drawn(artist).tolist()
    many = np.concatenate([bootstrap.weights(artist) for artist in range(500)])
    found = np.bincount(many, minlength=6)[:6] / many.size
    assert found == pytest.approx(stats.poisson.pmf(np.arange(6), 1), abs=0.004)
    together = np.corrcoef([bootstrap.weights(artist) for artist in range(100)])
    assert np.abs(together[~np.eye(100, dtype=bool)]).max() < 0.25  # 4.9 standard errors


def test_the_replicates_are_those_of_repeated_artists() -> None:
    artists, labels, predictions = sample()
    found = bootstrap.replicate(counted(artists, labels, predictions))
    times = np.array([drawn(artist) for artist in artists.tolist()])
    assert found.n_artists == len(set(artists.tolist()))
    for replicate in range(N):
        y, p = (np.repeat(values, times[:, replicate]) for values in (labels, predictions))
        assert found.accuracy[replicate] == pytest.approx(accuracy_score(y, p))
        recalls = recall_score(y, p, labels=range(4), average=None, zero_division=np.nan)
        f1 = f1_score(y, p, labels=range(4), average=None, zero_division=np.nan)
        # scikit-learn takes a genre for present, with an F1 of 0, where only others' clips were
        # taken for it. Here a genre that is only not drawn must not lower a replicate's figures.
        f1[~np.isin(range(4), y)] = np.nan
        assert found.macro_f1[replicate] == pytest.approx(np.nanmean(f1))
        for index in range(4):
            assert found.recall[index][replicate] == pytest.approx(recalls[index], nan_ok=True)
            assert found.f1[index][replicate] == pytest.approx(f1[index], nan_ok=True)


def test_the_interval_holds_the_middle_95_percent() -> None:
    artists, labels, predictions = sample()
    found = bootstrap.replicate(counted(artists, labels, predictions))
    low, high = found.accuracy_interval()
    assert (low, high) == tuple(np.quantile(found.accuracy, [0.025, 0.975]))
    assert low < np.mean(labels == predictions) < high


def test_clips_of_one_artist_tell_less_than_clips_of_many() -> None:
    labels = np.repeat(np.arange(2), 50)
    predictions = np.where(np.arange(100) // 10 % 2, labels, 1 - labels)
    many = bootstrap.replicate(counted(np.arange(100), labels, predictions))
    few = bootstrap.replicate(counted(np.arange(100) // 10, labels, predictions))

    def width(replicates: bootstrap.Replicates) -> float:
        low, high = replicates.accuracy_interval()
        return high - low

    # 2 * 1.96 * sqrt(p (1 - p) / n), with n artists instead of n clips.
    assert width(many) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 100), rel=0.15)
    assert width(few) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 10), rel=0.15)


def test_a_single_artist_leaves_everything_open_and_a_second_does_not() -> None:
    found = bootstrap.replicate({(7, 0, 0): 20})
    assert found.accuracy_interval() == (0.0, 1.0)
    # Where the artist is not drawn at all there is nothing to measure.
    assert np.isnan(found.accuracy).mean() == pytest.approx(np.exp(-1), abs=0.08)
    found = bootstrap.replicate({(7, 0, 0): 20, (8, 0, 0): 20})
    assert found.accuracy_interval() == pytest.approx(jeffreys(2, 2))


def test_a_genre_whose_artists_are_not_drawn_lowers_no_replicate() -> None:
    # In about every seventh replicate neither artist of class 1 is drawn; class 0 always is, and
    # always has a clip that is taken for class 1.
    right = {(artist, 0, 0): 3 for artist in range(30)} | {(31, 1, 1): 5, (32, 1, 1): 5}
    found = bootstrap.replicate(right | {(artist, 0, 1): 1 for artist in range(30)})
    undrawn = (drawn(31) == 0) & (drawn(32) == 0)
    assert undrawn.any()
    assert np.isnan(found.f1[1]).tolist() == undrawn.tolist()
    assert found.macro_f1[undrawn].tolist() == found.f1[0][undrawn].tolist()
    assert min(found.macro_f1) > 0.4


def test_a_class_that_the_sample_lacks_counts_where_it_is_predicted() -> None:
    # As in the figure itself: otherwise the interval would lie above it.
    found = bootstrap.replicate({(1, 0, 0): 1, (2, 0, 0): 1, (3, 0, 1): 1})
    predicted = drawn(3) > 0
    assert (found.f1[1][predicted] == 0).all()
    assert np.isnan(found.f1[1][~predicted]).all()


def test_a_single_artist_of_a_genre_leaves_its_figures_open() -> None:
    many = {(artist, 0, int(artist < 3)): 4 for artist in range(10)}
    found = bootstrap.replicate(many | {(10, 1, 1): 20})
    assert found.artists_of == {0: 10, 1: 1}
    assert found.recall_interval(1) == (0.0, 1.0)
    assert found.f1_interval(1) == (0.0, 1.0)
    low, high = found.f1_interval(0)
    assert 0 <= low < high <= 1
    # One of many classes does not open the figures of all.
    assert found.macro_f1_interval() != (0.0, 1.0)


def jeffreys(right: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval by the quantiles of scipy's beta distribution."""
    low, high = stats.beta.ppf([0.025, 0.975], right + 0.5, n - right + 0.5)
    return (low if right else 0.0), (high if right < n else 1.0)


def test_figures_at_0_or_1_have_the_interval_of_so_many_artists() -> None:
    # Class 0: 4 artists, always right. Class 1: 9 artists, never right. Clips do not count.
    right = {(artist, 0, 0): 7 for artist in range(4)}
    found = bootstrap.replicate(right | {(artist, 1, 2): 3 for artist in range(10, 19)})
    assert found.recall_interval(0) == pytest.approx(jeffreys(4, 4))
    assert found.recall_interval(1) == pytest.approx(jeffreys(0, 9))
    # F1 = 2 J / (1 + J) of a share J.
    low, high = found.f1_interval(0)
    assert (low / (2 - low), high) == pytest.approx(jeffreys(4, 4))
    low, high = found.f1_interval(1)
    assert (low, high / (2 - high)) == pytest.approx(jeffreys(0, 9))
    assert 0 < found.accuracy_interval()[0] < found.accuracy_interval()[1] < 1


@pytest.mark.parametrize(("is_right", "end"), [(True, 1.0), (False, 0.0)])
def test_accuracy_and_macro_f1_at_0_or_1_are_not_certain(is_right: bool, end: float) -> None:
    artists = np.arange(40)
    labels = np.where(artists < 36, artists % 2, 2)  # 18, 18 and 4 artists
    found = bootstrap.replicate(counted(artists, labels, labels if is_right else (labels + 1) % 3))
    assert found.accuracy_interval() == pytest.approx(jeffreys(40 * end, 40))
    # A class of few artists makes the mean over classes less certain than the share of clips.
    of_macro_f1, of_accuracy = found.macro_f1_interval(), found.accuracy_interval()
    assert end in of_macro_f1
    assert np.ptp(of_macro_f1) > np.ptp(of_accuracy) > 0.04
    assert of_macro_f1 == pytest.approx(jeffreys(9 / (2 / 18 + 1 / 4) * end, 9 / (2 / 18 + 1 / 4)))


def test_artists_that_are_all_alike_are_not_certain_either() -> None:
    # Of each artist just one of two clips is right: every replicate has an accuracy of 0.5.
    found = bootstrap.replicate({(a, 0, wrong): 1 for a in range(6) for wrong in (0, 1)})
    assert found.recall_interval(0) == pytest.approx(jeffreys(3, 6))
    assert found.accuracy_interval() == pytest.approx(jeffreys(3, 6))


def test_the_order_of_the_counts_does_not_matter() -> None:
    counts = counted(*sample())
    one = bootstrap.replicate(counts)
    other = bootstrap.replicate(dict(reversed(counts.items())))
    assert one.macro_f1.tolist() == other.macro_f1.tolist()
    assert one.accuracy.tolist() == other.accuracy.tolist()


def test_a_single_artist_does_not_compare_two_models() -> None:
    one, other = bootstrap.replicate({(7, 0, 0): 20}), bootstrap.replicate({(7, 0, 1): 20})
    differences = one.comparable_macro_f1 - other.comparable_macro_f1
    assert bootstrap.standard_error(differences) == np.inf
    two = bootstrap.replicate({(7, 0, 0): 20, (8, 0, 0): 1})
    assert two.comparable_macro_f1 is two.macro_f1


def test_the_standard_error_leaves_out_what_is_unknown() -> None:
    assert bootstrap.standard_error(np.array([1.0, np.nan, 3.0])) == pytest.approx(np.sqrt(2))
    assert bootstrap.standard_error(np.array([np.nan, 1.0])) == np.inf
    assert bootstrap.standard_error(np.array([1.0, 1.0, np.nan])) == 0.0
