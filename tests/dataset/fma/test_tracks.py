"""FMA's tracks.csv: as FMA's own tool reads it, and what is wrong with a table."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import tracks
from dataset.track import Row

TracksCsv = Callable[..., bytes]

NEEDED = (
    "set.split", "set.subset", "artist.id", "album.id", "track.genre_top", "track.title",
    "track.license",
)  # fmt: skip
# The columns that are lists are never empty in FMA's table, and FMA's tool takes them for granted.
LISTS = ("track.tags", "album.tags", "artist.tags", "track.genres", "track.genres_all")


def read(data: bytes) -> dict[int, Row]:
    """Return the rows of a table called T."""
    return tracks.read_tracks(io.BytesIO(data), "T")


def refusal(data: bytes) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        read(data)
    return str(caught.value)


def random_rows(n_rows: int) -> dict[int, dict[str, str]]:
    """Return rows with values of every kind that FMA has."""
    rng = np.random.default_rng(5)

    def one_of(*values: str) -> str:
        return values[int(rng.integers(len(values)))]

    def date() -> str:
        return one_of("", f"{rng.integers(1990, 2018)}-0{rng.integers(1, 10)}-17 00:00:00")

    def ids() -> str:
        return str([int(n) for n in rng.integers(1, 1_236, rng.integers(0, 5))])

    return {
        int(track_id): {
            **dict.fromkeys(LISTS, "[]"),
            "track.genres": ids(),
            "track.tags": one_of("[]", "['lo fi', \"rock 'n' roll\"]"),
            "set.split": one_of("training", "validation", "test"),
            "set.subset": one_of("small", "medium", "large"),
            "artist.id": str(rng.integers(1, 20_000)),
            "artist.name": one_of("AWOL", 'The "Quoted", and others', "Ünï\r\nçødé"),
            "artist.bio": one_of("", "<p>\n\n</p>", 'a "b", c'),
            "album.id": one_of("-1", str(rng.integers(1, 20_000))),
            "album.date_released": date(),
            "track.date_recorded": date(),
            "track.genre_top": one_of("", "Hip-Hop", "Old-Time / Historic"),
            "track.license": one_of("", "Attribution", "Attribution 2.0 UK: England "),
            "track.title": one_of("Food", " 12 ", "two\nlines", f"No. {track_id}"),
        }
        for track_id in rng.permutation(155_320)[:n_rows]
    }


def as_fmas_tool_does(data: bytes) -> pd.DataFrame:
    """Return what utils.load of github.com/mdeff/fma makes of a tracks.csv.

    Spaces before a cell are no part of it here, which FMA's tool leaves there.
    """
    table = pd.read_csv(io.BytesIO(data), index_col=0, header=[0, 1], skipinitialspace=True)
    for column in LISTS:
        table[tuple(column.split("."))] = table[tuple(column.split("."))].map(ast.literal_eval)
    for column in (("track", "date_recorded"), ("album", "date_released")):
        table[column] = pd.to_datetime(table[column])
    sizes = pd.CategoricalDtype(("small", "medium", "large"), ordered=True)
    table["set", "subset"] = table["set", "subset"].astype(sizes)
    return table


def test_all_rows_are_as_fmas_tool_reads_them(tracks_csv: TracksCsv) -> None:
    data = tracks_csv(random_rows(400))
    rows, table = read(data), as_fmas_tool_does(data)
    assert list(rows) == list(table.index)
    assert len(rows) == 400
    texts = table.select_dtypes("object").fillna("")
    years = table["album", "date_released"].fillna(table["track", "date_recorded"]).dt.year
    expected = {
        "artist_id": table["artist", "id"],
        "album_id": table["album", "id"],
        "genre": texts["track", "genre_top"],
        "title": texts["track", "title"],
        "license": texts["track", "license"],
        "split": table["set", "split"].replace({"training": "train", "validation": "eval"}),
        "subset": table["set", "subset"],
        "year": years.fillna(-1),
        "artist": texts["artist", "name"],
        "genre_ids": table["track", "genres"].map(tuple),
    }
    for field, column in expected.items():
        assert [getattr(row, field) for row in rows.values()] == list(column), field


@pytest.mark.parametrize("subset", ["small", "medium", "large"])
def test_subsets_are_those_of_fmas_tool(tracks_csv: TracksCsv, subset: str) -> None:
    data = tracks_csv(random_rows(100))
    table = as_fmas_tool_does(data)
    found = [track_id for track_id, row in read(data).items() if tracks.in_subset(row, subset)]
    assert found == list(table.index[table["set", "subset"] <= subset])
    assert found


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        ("small", ["small"]),
        ("medium", ["small", "medium"]),
        ("large", ["small", "medium", "large"]),
        ("full", ["small", "medium", "large", "full", ""]),
    ],
)
def test_a_subset_includes_the_smaller_ones(subset: str, expected: list[str]) -> None:
    sizes = ["small", "medium", "large", "full", ""]
    assert [size for size in sizes if tracks.in_subset(Row(2, subset=size), subset)] == expected


def test_a_row_is_read_from_fmas_52_columns(tracks_csv: TracksCsv) -> None:
    values = {
        "artist.id": "132", "artist.name": "Ámbar", "album.id": "4009", "set.split": "validation",
        "set.subset": "medium", "track.genre_top": "Hip-Hop", "track.title": "A, «2»",
        "track.license": "CC0", "track.genres": "[21, 1235]", "track.date_recorded": "2008-11-26",
    }  # fmt: skip
    data = tracks_csv({2: values})
    assert data.splitlines()[0].count(b",") == 52
    assert read(data) == {
        2: Row(
            track_id=2, artist_id=132, album_id=4009, genre="Hip-Hop", title="A, «2»",
            license="CC0", split="eval", subset="medium", year=2008, artist="Ámbar",
            genre_ids=(21, 1235),
        )
    }  # fmt: skip


def test_columns_are_found_by_name_wherever_they_are(tracks_csv: TracksCsv) -> None:
    rows = {5: {"artist.id": "9"}}
    assert read(tracks_csv(rows, columns=sorted(NEEDED))) == read(tracks_csv(rows))


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_column_is_named(tracks_csv: TracksCsv, missing: str) -> None:
    data = tracks_csv({2: {}}, columns=[name for name in NEEDED if name != missing])
    assert refusal(data) == f"T is not FMA's tracks.csv: column {missing} is missing"


def test_a_table_may_do_without_what_only_some_runs_need(tracks_csv: TracksCsv) -> None:
    values = {"artist.name": "A", "track.genres": "[1]", "album.date_released": "2009-01-05"}
    row = read(tracks_csv({2: values}, columns=NEEDED))[2]
    assert (row.artist, row.genre_ids, row.year) == ("", (), -1)


def test_a_title_that_pandas_takes_for_nothing_is_a_title(tracks_csv: TracksCsv) -> None:
    assert read(tracks_csv({2: {"track.title": "NA"}}))[2].title == "NA"


def test_a_table_of_another_index_is_refused(tracks_csv: TracksCsv) -> None:
    expected = "T is not FMA's tracks.csv: no row that begins with 'track_id' in its place"
    assert refusal(tracks_csv({2: {}}, index="genre_id")) == expected


@pytest.mark.parametrize("nobody", ["", "-1"])
def test_fields_that_fma_leaves_empty(tracks_csv: TracksCsv, nobody: str) -> None:
    values = {"artist.id": nobody, "album.id": nobody, "track.genre_top": "", "set.split": ""}
    row = read(tracks_csv({2: values}))[2]
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
    tracks_csv: TracksCsv, released: str, recorded: str, year: int
) -> None:
    values = {
        "album.date_released": released, "track.date_recorded": recorded,
        "album.date_created": "2011-01-01 00:00:00", "track.date_created": "2012-01-01 00:00:00",
    }  # fmt: skip
    assert read(tracks_csv({2: values}))[2].year == year


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("artist.id", "4.0", "not a whole number"),
        ("artist.id", "\t", "not a whole number"),
        ("artist.id", "-2", "not the id of anything"),
        ("album.id", "x", "not a whole number"),
        ("set.split", "dev", "expected one of ['training', 'validation', 'test']"),
        ("set.split", "train", "expected one of ['training', 'validation', 'test']"),
        ("set.subset", "tiny", "expected one of ['small', 'medium', 'large', 'full']"),
        ("track.genres", "21", "not a list of genre ids like [21, 15]"),
        ("track.genres", "['21']", "not a list of genre ids like [21, 15]"),
        ("track.genres", "[21,]", "not a list of genre ids like [21, 15]"),
        ("track.genres", "[exit()]", "not a list of genre ids like [21, 15]"),
    ],
)
def test_a_cell_that_is_not_as_fma_has_it_names_row_and_column(
    tracks_csv: TracksCsv, column: str, value: str, expected: str
) -> None:
    data = tracks_csv({2: {"track.title": "two\nlines"}, 137: {column: value}})
    assert refusal(data) == f"T, line 6 (track 137): {column} is {value!r}, {expected}"


@pytest.mark.parametrize(
    ("cell", "label"), [("New\nAge", "New Age"), ("Ro\u00adck\u200b", "Rock"), ("\ufeff\t", "")]
)
def test_a_top_genre_is_a_label(tracks_csv: TracksCsv, cell: str, label: str) -> None:
    assert read(tracks_csv({2: {"track.genre_top": cell}}))[2].genre == label


def test_a_list_of_genres_has_an_end(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {"track.genres": str([1] * 100_000)}})
    assert refusal(data).endswith("…, not a list of genre ids like [21, 15]")
    assert len(refusal(data)) < 200


def test_a_table_is_loaded_from_a_file(tracks_csv: TracksCsv, tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_bytes(tracks_csv({2: {}, 137: {"artist.id": "x"}}))
    with pytest.raises(InputError) as caught:
        tracks.load(str(path))
    assert str(caught.value) == (
        f"{path}, line 5 (track 137): artist.id is 'x', not a whole number"
    )
    path.write_bytes(tracks_csv({2: {}, 137: {}}))
    assert list(tracks.load(str(path))) == [2, 137]
