"""Artists and audio in more than one split."""

from __future__ import annotations

import random

from components.fma_example_gen.overlaps import find_overlaps


def clip(track_id: int, split: str, artist_id: int, digest: str) -> dict[str, object]:
    """Return a clip as ingestion tells of it."""
    return {"track_id": track_id, "split": split, "artist_id": artist_id, "digest": digest}


def test_only_what_is_in_two_splits_is_found() -> None:
    clips = [
        clip(1, "train", 10, "a"), clip(2, "train", 10, "a"),  # alike, but within a split
        clip(3, "eval", 30, "c"), clip(4, "test", 40, "c"), clip(9, "test", 41, "c"),
        clip(5, "train", 50, "e"), clip(6, "test", 50, "f"),
        clip(7, "train", -1, "g"), clip(8, "eval", -1, "h"),  # nobody's artist is -1
    ]  # fmt: skip
    expected = {"artists": [50], "audio": [[3, 4, 9]]}
    assert find_overlaps(clips) == expected
    random.Random(0).shuffle(clips)
    assert find_overlaps(clips) == expected


def test_nothing_overlaps_with_nothing() -> None:
    assert find_overlaps([]) == {"artists": [], "audio": []}
