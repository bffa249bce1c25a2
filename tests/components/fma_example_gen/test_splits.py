"""Splits: FMA's own, and the stable digest of the artist."""

from __future__ import annotations

from collections import Counter

import pytest

from components.fma_example_gen.splits import artist_hash_split, official_split


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("training", "train"),
        ("validation", "eval"),
        ("test", "test"),
        ("train", None),
        ("Training", None),
        ("", None),
    ],
)
def test_official_values(value: str, expected: str | None) -> None:
    assert official_split(value) == expected


def test_the_split_of_an_artist_never_changes() -> None:
    # A model judged by yesterday's split must not be trained by today's: these are golden. From
    # python -c "from components.fma_example_gen.splits import *; print(artist_hash_split(132))"
    golden = {
        0: "train", 1: "eval", 2: "eval", 3: "test", 4: "train", 5: "train", 6: "train",
        7: "train", 8: "train", 9: "test", 10: "test", 132: "train", 1000: "train", -1: "train",
        -57: "eval", 24357: "train",
    }  # fmt: skip
    assert {artist: artist_hash_split(artist) for artist in golden} == golden


def test_artists_are_shared_out_by_64_16_and_20_percent() -> None:
    counts = Counter(artist_hash_split(artist) for artist in range(10_000))
    # Three standard deviations of a binomial of 10,000 are at most 1.5 %.
    assert counts["train"] / 10_000 == pytest.approx(0.64, abs=0.015)
    assert counts["eval"] / 10_000 == pytest.approx(0.16, abs=0.015)
    assert counts["test"] / 10_000 == pytest.approx(0.20, abs=0.015)
