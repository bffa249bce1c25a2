"""Counting clips and artists, and the table of them."""

from __future__ import annotations

import json

import pytest

from dataset.splits.table import count, lines

CLIPS = [
    ("Rock", "train", 1), ("Rock", "train", 1), ("Rock", "train", 2), ("Folk", "train", 1),
    ("Folk", "eval", 3), ("Rock", "test", 4), ("Rock", "test", -1),
]  # fmt: skip


def test_clips_and_distinct_artists_are_counted() -> None:
    counts = count(CLIPS)
    assert counts == {
        "train": {"Folk": {"clips": 1, "artists": 1}, "Rock": {"clips": 3, "artists": 2}},
        "eval": {"Folk": {"clips": 1, "artists": 1}},
        "test": {"Rock": {"clips": 2, "artists": 1}},
        "totals": {
            "train": {"clips": 4, "artists": 2},  # artist 1 is in two genres
            "eval": {"clips": 1, "artists": 1},
            "test": {"clips": 2, "artists": 1},
        },
        "artists_in_two_splits": 0,
        "clips_without_artist": 1,
        "genres_alike_but_for_case": [],
    }
    assert json.loads(json.dumps(counts)) == counts
    assert count(reversed(CLIPS)) == counts


def test_the_table_is_aligned() -> None:
    clips = CLIPS[:-1] + [("Rock", "train", 1)] * 1_000
    assert lines(count(clips), recordings=0) == [
        "clips/artists    train  eval  test",
        "Folk               1/1   1/1   0/0",
        "Rock           1,003/2   0/0   1/1",
        "total          1,004/2   1/1   1/1",
        "in two splits: 0 artists, 0 recordings",
    ]


@pytest.mark.parametrize(
    ("straddling", "recordings", "expected"),
    [
        (0, None, "in two splits: 0 artists; recordings are compared once they are decoded"),
        (1, 0, "in two splits: 1 artist, 0 recordings"),
        (2, 3, "in two splits: 2 artists, 3 recordings, used once"),
    ],
)
def test_what_is_in_two_splits_is_said(
    straddling: int, recordings: int | None, expected: str
) -> None:
    clips = [("Rock", split, artist) for artist in range(straddling) for split in ("train", "test")]
    nameless = [("Rock", "train", -1), ("Rock", "test", -1)]
    assert lines(count([*clips, ("Rock", "train", 9)]), recordings)[-1] == expected
    assert lines(count([*clips, *nameless]), recordings)[-2:] == [
        expected,
        "without an artist: 2 clips; the artist may be in two splits",
    ]


def test_genres_that_differ_only_in_case_are_told_in_one_line_and_stay_apart() -> None:
    genres = ["Rock", "rock", "ROCK", "Stra\u00dfe", "STRASSE", "Folk"]
    counts = count([(genre, "train", 1) for genre in genres])
    assert sorted(counts["train"]) == sorted(genres)
    assert lines(counts, 0)[-1] == (
        "genres that differ only in case are not merged: 'ROCK' and 'Rock' and 'rock'; "
        "'STRASSE' and 'Stra\u00dfe'"
    )
    assert [line for line in lines(count(CLIPS), 0) if "case" in line] == []
