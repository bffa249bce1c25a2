"""FMA's tracks.csv: what is read of it, and what is wrong with a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import tracks

TracksCsv = Callable[..., bytes]
Read = Callable[[bytes], pd.DataFrame]

NEEDED = (
    "set.split", "set.subset", "artist.id", "album.id", "track.genre_top", "track.title",
    "track.license",
)  # fmt: skip


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return a reader of a table called T."""
    monkeypatch.chdir(tmp_path)

    def read(data: bytes) -> pd.DataFrame:
        Path("T").write_bytes(data)
        return tracks.load("T")

    return read


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        ("small", ["small"]),
        ("medium", ["small", "medium"]),
        ("large", ["small", "medium", "large"]),
        ("full", ["small", "medium", "large", "full", ""]),
    ],
)
def test_a_subset_includes_the_smaller_ones(
    tracks_csv: TracksCsv, read: Read, subset: str, expected: list[str]
) -> None:
    sizes = ["small", "medium", "large", "full", ""]
    table = read(tracks_csv({n: {"set.subset": size} for n, size in enumerate(sizes)}))
    assert [sizes[n] for n in tracks.of_subset(table, subset).index] == expected


def test_columns_are_typed_and_ids_exact(tracks_csv: TracksCsv, read: Read) -> None:
    large = 2**53 + 1  # which no float64 is
    values = {
        "artist.id": str(large), "artist.name": "Ámbar", "album.id": "4009",
        "set.split": "validation", "set.subset": "medium", "track.genre_top": "New\nAge",
        "track.title": "A, «2»", "track.license": "CC0", "track.genres": "[21, 1235]",
        "track.date_recorded": "2008-11-26",
    }  # fmt: skip
    data = tracks_csv({large: values, 3: {"artist.id": ""}})
    assert data.splitlines()[0].count(b",") == 52
    table = read(data)
    assert table.loc[large].to_dict() == {
        "artist_id": large, "album_id": 4009, "genre": "New Age", "title": "A, «2»",
        "license": "CC0", "split": "eval", "subset": "medium", "year": 2008, "artist": "Ámbar",
        "genre_ids": (21, 1235),
    }  # fmt: skip
    assert table.index.dtype == "int64"
    assert {table[column].dtype for column in ("artist_id", "album_id", "year")} == {
        np.dtype("int64")
    }


@pytest.mark.parametrize("columns", [sorted(NEEDED), [*NEEDED, "track.more"]])
def test_columns_are_found_by_name_wherever_they_are(
    tracks_csv: TracksCsv, read: Read, columns: list[str]
) -> None:
    rows = {5: {"artist.id": "9"}}
    pd.testing.assert_frame_equal(read(tracks_csv(rows, columns=columns)), read(tracks_csv(rows)))


@pytest.mark.parametrize("missing", ["set.split", "track.license"])
def test_a_missing_column_is_named(tracks_csv: TracksCsv, read: Read, missing: str) -> None:
    data = tracks_csv({2: {}}, columns=[name for name in NEEDED if name != missing])
    with pytest.raises(InputError, match=f"T, line 3: column {missing} is missing"):
        read(data)


@pytest.mark.parametrize("nobody", ["", "-1"])
def test_fields_that_fma_leaves_empty(tracks_csv: TracksCsv, read: Read, nobody: str) -> None:
    values = {"artist.id": nobody, "album.id": nobody, "track.genre_top": "", "set.split": ""}
    row = read(tracks_csv({2: values})).loc[2]
    assert (row.artist_id, row.album_id, row.genre, row.split) == (-1, -1, "", "")


@pytest.mark.parametrize(
    ("released", "recorded", "year"),
    [
        ("2009-01-05 00:00:00", "2008-11-26 00:00:00", 2009),
        ("", "2008-11-26 00:00:00", 2008),
        ("soon", "2008-11-26", 2008),
        ("", "", -1),
        ("09-01-05", "2008", -1),
    ],
)
def test_the_year_is_that_of_the_release_else_of_the_recording(
    tracks_csv: TracksCsv, read: Read, released: str, recorded: str, year: int
) -> None:
    values = {
        "album.date_released": released, "track.date_recorded": recorded,
        "album.date_created": "2011-01-01 00:00:00", "track.date_created": "2012-01-01 00:00:00",
    }  # fmt: skip
    assert read(tracks_csv({2: values})).at[2, "year"] == year


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("artist.id", "4.0", "an id, or -1"),
        ("artist.id", "-2", "an id, or -1"),
        ("album.id", "x", "an id, or -1"),
        ("set.split", "train", "training, validation or test"),
        ("set.subset", "tiny", "one of small, medium, large, full"),
        ("track.genres", "21", "a list of genre ids like [21, 15]"),
        ("track.genres", "[exit()]", "a list of genre ids like [21, 15]"),
    ],
)
def test_a_cell_that_is_not_as_fma_has_it_names_line_and_column(
    tracks_csv: TracksCsv, read: Read, column: str, value: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tracks_csv({2: {"track.title": "two\nlines"}, 137: {column: value}}))
    assert str(caught.value) == f"T, line 6: {column} is {value!r}, expected {expected}"
