"""FMA's echonest.csv: the table as pandas writes it, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from common.errors import InputError
from dataset.fma import echonest

TEXTS = ("album_date", "album_name", "artist_location", "artist_name", "release")


def frame(n_rows: int) -> pd.DataFrame:
    """Return a table of FMA's 249 columns, with gaps."""
    rng = np.random.default_rng(1)
    columns = pd.MultiIndex.from_tuples(echonest.COLUMNS)
    index = pd.Index(range(2, 2 + n_rows), name="track_id")
    table = pd.DataFrame(rng.normal(size=(n_rows, 249)), index, columns).astype(object)
    table.loc[::2, ("echonest", "ranks", "song_currency_rank")] = np.nan
    for number, name in enumerate(TEXTS):
        table["echonest", "metadata", name] = [
            f'{name} "{row}",\n{number}' if row % 3 else np.nan for row in range(n_rows)
        ]
    return table


def written(table: pd.DataFrame, folder: Path) -> str:
    """Return the path of the table that pandas writes."""
    path = folder / "echonest.csv"
    table.to_csv(path)
    return str(path)


def refusal(path: str) -> str:
    """Return the sentence with which a table is refused."""
    with pytest.raises(InputError) as caught:
        echonest.check(path)
    return str(caught.value)


def test_the_columns_are_fmas_249() -> None:
    assert [len(names) for names in echonest.GROUPS.values()] == [8, 7, 5, 5, 224]
    assert len(echonest.COLUMNS) == 249
    assert echonest.COLUMNS[0] == ("echonest", "audio_features", "acousticness")
    assert echonest.COLUMNS[-1] == ("echonest", "temporal_features", "223")


def test_all_values_are_as_fmas_tool_reads_them(tmp_path: Path) -> None:
    path = written(frame(20), tmp_path)
    # Its default is off by a bit here and there.
    precision = {"float_precision": "round_trip"}
    table = pd.read_csv(path, index_col=0, header=[0, 1, 2], **precision)["echonest"]
    songs = echonest.load(path)
    assert list(songs) == list(table.index)
    for track_id, song in songs.items():
        for group in ("audio_features", "ranks", "social_features"):
            expected = table.loc[track_id, group].to_dict()
            np.testing.assert_equal(getattr(song, group), expected)
        temporal = table.loc[track_id, "temporal_features"].to_numpy(float)
        np.testing.assert_array_equal(song.temporal_features, temporal)
        metadata = table.loc[track_id, "metadata"].fillna("").to_dict()
        assert {name: song.metadata[name] for name in TEXTS} == {n: metadata[n] for n in TEXTS}
        assert float(song.metadata["artist_latitude"]) == metadata["artist_latitude"]


@pytest.mark.parametrize("n_rows", [0, 1, 30])
def test_a_check_counts_the_rows(tmp_path: Path, n_rows: int) -> None:
    assert echonest.check(written(frame(n_rows), tmp_path)) == n_rows


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("audio_features", "tempo"),
        ("metadata", "artist_longitude"),
        ("ranks", "artist_discovery_rank"),
        ("social_features", "song_hotttnesss"),
        ("temporal_features", "223"),
    ],
)
def test_a_cell_that_is_no_number_names_row_and_column(
    tmp_path: Path, group: str, name: str
) -> None:
    table = frame(1)
    table.loc[2, ("echonest", group, name)] = "fast"
    path = written(table, tmp_path)
    expected = f"{path}, line 5 (track 2): echonest.{group}.{name} is 'fast', not a number"
    assert refusal(path) == expected


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = written(frame(1).drop(columns=[echonest.COLUMNS[0]]), tmp_path)
    assert refusal(path) == (f"{path} is not FMA's echonest.csv: it has 248 columns, expected 249")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "echonest.csv")).startswith(
        f"cannot read {tmp_path}/echonest.csv"
    )
