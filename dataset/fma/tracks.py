"""FMA's `tracks.csv`: what is known of a track."""

from __future__ import annotations

import re

import pandas as pd

from dataset import identity
from dataset.config import SUBSETS
from dataset.fma.csv_table import WHOLE_NUMBER, CsvTable, read_table

FILE_NAME = "tracks.csv"
# What is read of its 52 columns; a table that was cut down may do without the optional ones.
_REQUIRED = (
    "track_id", "set.split", "set.subset", "artist.id", "album.id", "track.genre_top",
    "track.title", "track.license",
)  # fmt: skip
# Dates of creation are those of the upload, which say nothing of the music.
_OPTIONAL = ("artist.name", "track.genres", "album.date_released", "track.date_recorded")
_SPLITS = {"": "", "training": "train", "validation": "eval", "test": "test"}
_SUBSET = pd.CategoricalDtype(list(SUBSETS), ordered=True)
_NOBODY = "-1"
_YEAR = "([0-9]{4})-[0-9]{2}-[0-9]{2}"
_LIST = r"(?:\[(?:[0-9]{1,9}(?:, ?[0-9]{1,9})*)?\])?"  # as Python writes it


def load(path: str) -> pd.DataFrame:
    """Returns `tracks.csv` in its order, with the track ids as index.

    The columns `artist_id` and `album_id` (int64, -1 where FMA names none), `genre`, `title`,
    `license`, `split`, `artist` (texts) and `year` (int64, -1 where it is not known) are as in
    `catalogue.Row`; `subset` is an ordered category, `genre_ids` a tuple of all of FMA's genres.

    Raises:
        InputError: naming the line and the column where it is not as FMA has it.
    """
    table = read_table(path, _REQUIRED, _OPTIONAL, header_rows=3)
    cells = table.cells
    splits, subsets, lists = (cells[c] for c in ("set.split", "set.subset", "track.genres"))
    table.require("set.split", splits.isin(_SPLITS), "training, validation or test")
    table.require("set.subset", subsets.isin(("", *SUBSETS)), f"one of {', '.join(SUBSETS)}")
    table.require("track.genres", lists.str.fullmatch(_LIST), "a list of genre ids like [21, 15]")
    return pd.DataFrame({
        "track_id": table.ids("track_id"),
        "artist_id": _owner_ids(table, "artist.id"),
        "album_id": _owner_ids(table, "album.id"),
        "genre": cells["track.genre_top"].map(identity.printable),
        "title": cells["track.title"],
        "license": cells["track.license"],
        "split": splits.map(_SPLITS),
        "subset": subsets.astype(_SUBSET),
        "year": _years(cells["album.date_released"], cells["track.date_recorded"]),
        "artist": cells["artist.name"],
        "genre_ids": lists.map({text: _numbers(text) for text in lists.unique()}),
    }).set_index("track_id")  # fmt: skip


def of_subset(table: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Returns the tracks of a subset; each includes the smaller ones, `full` has them all."""
    return table if subset == "full" else table[table["subset"] <= subset]


def _owner_ids(table: CsvTable, column: str) -> pd.Series[int]:
    cells = table.cells[column].replace("", _NOBODY)
    table.require(column, cells.str.fullmatch(f"{_NOBODY}|{WHOLE_NUMBER}"), "an id, or -1")
    return cells.astype("int64")


def _years(dates: pd.Series[str], others: pd.Series[str]) -> pd.Series[int]:
    """Returns the year of the first that is a date; an odd one is no reason to refuse a table."""
    some = dates.where(dates.str.match(_YEAR), others)
    return some.str.extract(f"^{_YEAR}", expand=False).fillna("-1").astype("int64")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall("[0-9]+", text)))
