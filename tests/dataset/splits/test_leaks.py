"""Artists and audio in more than one split."""

from __future__ import annotations

import random

import pytest

from dataset.splits.clip import Clip
from dataset.splits.leaks import Leaks, describe, find_leaks


def clip(track_id: int, split: str, artist_id: int, digest: str, artist: str = "") -> Clip:
    return Clip(track_id, "Rock", artist_id, digest=digest, split=split, artist=artist)


def test_only_what_is_in_two_splits_is_found() -> None:
    clips = [
        clip(1, "train", 10, "a"), clip(2, "train", 10, "a"),  # alike, but within a split
        clip(3, "eval", 30, "c"), clip(4, "test", 40, "c"), clip(9, "test", 41, "c"),
        clip(5, "train", 50, "e"), clip(6, "test", 50, "f"),
        clip(7, "train", -1, "g"), clip(8, "eval", -1, "h"),  # nobody's artist is -1
        clip(10, "train", 60, ""), clip(11, "eval", 61, ""),  # not decoded: sounds like none
    ]  # fmt: skip
    expected = Leaks(artists=[50], audio=[[3, 4, 9]])
    assert find_leaks(clips) == expected
    random.Random(0).shuffle(clips)
    assert find_leaks(clips) == expected
    assert expected.to_json() == {"artists": [50], "audio": [[3, 4, 9]]}


def test_nothing_leaks_from_nothing() -> None:
    assert find_leaks([]).to_json() == {"artists": [], "audio": []}


@pytest.mark.parametrize(
    ("leaks", "expected"),
    [(Leaks(), False), (Leaks(artists=[1]), True), (Leaks(audio=[[1, 2]]), True)],
)
def test_leaks_are_false_where_there_is_none(leaks: Leaks, expected: bool) -> None:
    assert bool(leaks) is expected


def test_artists_and_recordings_are_described() -> None:
    clips = [
        clip(1, "test", 7, "a", "Ada"), clip(2, "train", 7, "b", "Ada"),
        clip(3, "train", 7, "c", "Ada"), clip(4, "eval", 8, "a"), clip(5, "test", 8, "d"),
    ]  # fmt: skip
    assert describe(find_leaks(clips), clips) == (
        "2 artists ('Ada', artist 7: 2 train, 1 test; artist 8: 1 eval, 1 test) and "
        "1 recording (tracks 1, 4)"
    )


def test_at_most_ten_are_listed() -> None:
    clips = [
        clip(2 * artist + at, split, artist, "")
        for artist in range(12)
        for at, split in enumerate(("train", "test"))
    ]
    text = describe(find_leaks(clips), clips)
    assert text.startswith("12 artists (artist 0: 1 train, 1 test; ")
    assert text.endswith("artist 9: 1 train, 1 test and 2 more)")
