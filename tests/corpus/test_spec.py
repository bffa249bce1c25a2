"""Limits of a spec and the catalogue that follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from corpus import GENRES, CorpusSpec, build_catalogue, planted_faults
from corpus.spec import SPLITS, PlantedFault


@pytest.mark.parametrize(
    "values",
    [
        {"seed": -1},
        {"clips_per_genre": 5},
        {"clips_per_genre": 1001},
        {"clip_seconds": 1.9},
        {"clip_seconds": 121.0},
        {"clip_seconds": float("nan")},
        {"clip_seconds": float("inf")},
    ],
)
def test_values_outside_the_limits_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        CorpusSpec(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("clips_per_genre", "in_splits"),
    [(6, (4, 1, 1)), (7, (5, 1, 1)), (13, (9, 2, 2)), (20, (12, 4, 4))],
)
def test_every_genre_is_in_every_split(clips_per_genre: int, in_splits: tuple[int, ...]) -> None:
    tracks = build_catalogue(CorpusSpec(clips_per_genre=clips_per_genre))
    good = Counter((t.genre, t.artist.split) for t in tracks if t.fault is None)
    expected = dict(zip(SPLITS, in_splits, strict=True))
    assert good == {(genre, split): n for genre in GENRES for split, n in expected.items()}


def test_artists_keep_to_a_split_and_a_genre_and_have_clips_on_one_or_two_albums() -> None:
    tracks = build_catalogue(CorpusSpec())
    by_artist = defaultdict(list)
    for track in tracks:
        by_artist[track.artist.name].append(track)
    for own in by_artist.values():
        assert len({(track.artist.genre, track.artist.split) for track in own}) == 1
        assert len(own) >= 2
    albums = {len({track.album.album_id for track in own}) for own in by_artist.values()}
    assert albums == {1, 2}


def test_ids_start_at_two_and_rise_with_gaps_to_at_most_six_digits() -> None:
    tracks = build_catalogue(CorpusSpec(clips_per_genre=1000))
    ids = [track.track_id for track in tracks]
    assert (ids[0], tracks[0].fault) == (2, None)
    assert ids == sorted(set(ids))
    assert len({step for step in map(int.__sub__, ids[1:], ids)}) > 10
    assert ids[-1] < 1_000_000


def test_each_fault_is_planted_once_and_in_a_genre_of_its_own() -> None:
    spec = CorpusSpec()
    faults = planted_faults(spec)
    assert sorted(faults.values()) == sorted(PlantedFault)
    tracks = {track.track_id: track for track in build_catalogue(spec)}
    assert len({tracks[track_id].artist.genre for track_id in faults}) == len(faults)


def test_another_seed_gives_another_catalogue() -> None:
    assert build_catalogue(CorpusSpec(seed=1)) != build_catalogue(CorpusSpec(seed=2))
