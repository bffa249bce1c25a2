"""Which label a track has: FMA's top genre, or the one root of all of its genres."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.catalogue.labels import label_rows
from dataset.fma.genres import Genres
from dataset.track import Row

TREE = Genres(
    "genres.csv",
    titles={12: "Rock", 25: "Punk", 64: "Electro-Punk", 15: "Electronic", 181: "Techno"},
    roots={12: 12, 25: 12, 64: 12, 15: 15, 181: 15},
)


def labels(rows: list[Row], policy: str = "tree", tree: Genres | None = TREE) -> dict[int, str]:
    """Return the labels by track id."""
    labelled = label_rows({row.track_id: row for row in rows}, policy, tree)
    return {track_id: row.genre for track_id, row in labelled.items()}


@pytest.mark.parametrize(
    ("genre_ids", "label"),
    [
        ((12,), "Rock"),
        ((64,), "Rock"),
        ((64, 25, 12), "Rock"),
        ((64, 181), ""),
        ((12, 15), ""),
        ((), ""),
    ],
)
def test_the_tree_labels_where_all_genres_have_one_root(
    genre_ids: tuple[int, ...], label: str
) -> None:
    rows = [Row(2, genre_ids=genre_ids), Row(3, genre="Pop", genre_ids=(181,))]
    assert labels(rows) == {2: label, 3: "Pop"}


def test_the_top_genre_is_kept_as_it_is() -> None:
    rows = [Row(2, genre_ids=(12,)), Row(3, genre="Pop")]
    assert labels(rows, "genre_top", None) == {2: "", 3: "Pop"}


def test_the_rest_of_a_row_is_kept_and_what_was_given_is_not_changed() -> None:
    row = Row(2, artist_id=7, title="A", genre_ids=(25,))
    rows = {2: row}
    assert label_rows(rows, "tree", TREE) == {
        2: Row(2, artist_id=7, title="A", genre="Rock", genre_ids=(25,))
    }
    assert rows == {2: row}
    assert row.genre == ""


@pytest.mark.parametrize(
    ("row", "tree", "expected"),
    [
        (Row(2), TREE, "column track.genres of tracks.csv, which is missing or empty"),
        (Row(2, genre_ids=(12,)), None, "need a genres.csv beside tracks.csv"),
        (Row(2, genre_ids=(12, 9)), TREE, "track.genres of track 2: genres.csv has no genre 9"),
    ],
)
def test_what_the_tree_cannot_do_without(row: Row, tree: Genres | None, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        labels([row], tree=tree)
    assert str(caught.value).endswith(expected)


def test_no_rows_have_no_labels() -> None:
    assert labels([]) == {}
