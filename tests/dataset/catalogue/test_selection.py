"""Which of the tracks that could be read are wanted."""

from __future__ import annotations

import random

import pytest

from common.errors import InputError
from dataset.catalogue.plan import select
from dataset.config import DataConfig
from dataset.track import Row, Track

LICENSES = ("Attribution", "Attribution-NonCommercial", "Orphan Work")


def tracks(**clips: int) -> list[Track]:
    """Return so many tracks of each genre, whose licences take turns."""
    genres = [genre for genre, count in clips.items() for _ in range(count)]
    return [
        Track(Row(track_id, genre=genre, license=LICENSES[track_id % 3]), f"{track_id}.mp3")
        for track_id, genre in enumerate(genres)
    ]


def ids(some: list[Track]) -> list[int]:
    """Return track ids."""
    return [track.row.track_id for track in some]


def chosen(some: list[Track], **settings: object) -> tuple[list[int], dict[str, int]]:
    """Return the ids of the tracks that are wanted, and what is left out."""
    kept, left_out = select(some, DataConfig("audio", **settings))  # type: ignore[arg-type]
    return ids(kept), left_out


def test_everything_is_wanted_where_nothing_is_said() -> None:
    some = tracks(Folk=3, Rock=4)
    kept, left_out = select(some[::-1], DataConfig("audio"))
    assert kept == some
    assert left_out == {}


def test_only_the_licences_that_are_allowed() -> None:
    some = tracks(Folk=6, Rock=3)
    assert chosen(some, licenses=("commercial",)) == ([0, 3, 6], {"license not allowed": 6})
    assert chosen(some, licenses=("cc by", "orphan work"))[0] == [0, 2, 3, 5, 6, 8]


def test_a_wanted_genre_may_be_written_as_in_the_archive() -> None:
    some = tracks(**{"Folk": 1, "New Age": 2})
    assert chosen(some, genres=("New\r\nAge\u200b",)) == ([1, 2], {"genre not allowed": 1})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"genres": ("Rock", "rock")}, "of the genre 'rock'; there are 'Folk', 'Rock'$"),
        ({"licenses": ("CC0",)}, "has the license 'CC0'; there are 'Attribution'"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(
    settings: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=f"^no track .*{expected}"):
        chosen(tracks(Rock=1, Folk=1), **settings)


def test_the_draw_depends_on_the_seed_and_the_track_ids_alone() -> None:
    some = tracks(Folk=60, Rock=60)
    shuffled = random.Random(1).sample(some, len(some))
    draws = {seed: chosen(some, max_clips_per_genre=20, seed=seed)[0] for seed in range(5)}
    assert len({tuple(draw) for draw in draws.values()}) == 5
    for seed, draw in draws.items():
        assert chosen(shuffled, max_clips_per_genre=20, seed=seed)[0] == draw
        # A track that is not drawn does not matter to those that are.
        fewer = [t for t in some if t.row.track_id in draw or t.row.track_id % 2]
        assert chosen(fewer, max_clips_per_genre=20, seed=seed)[0] == draw
    # The draw is the same on every machine and run.
    assert chosen(tracks(Folk=12), max_clips_per_genre=3, seed=7)[0] == [1, 4, 6]


def test_a_larger_draw_includes_a_smaller_one() -> None:
    some = tracks(Folk=60)
    draws = [set(chosen(some, max_clips_per_genre=n)[0]) for n in (1, 5, 30, 60, 90)]
    assert all(small < large for small, large in zip(draws[:3], draws[1:4], strict=True))
    assert draws[3] == draws[4] == set(range(60))


def test_filters_count_one_after_another() -> None:
    some = tracks(Folk=30, Pop=9, Rock=12, Jazz=6)
    kept, left_out = chosen(
        some,
        licenses=("redistributable",),
        genres=("Folk", "Pop", "Rock"),
        min_clips_per_genre=8,
        max_clips_per_genre=8,
    )
    assert left_out == {
        "license not allowed": 19,
        "genre not allowed": 4,
        "fewer than 8 clips a genre": 6,
        "more than 8 clips a genre": 12,
    }
    assert len(kept) == len(some) - sum(left_out.values()) == 16
