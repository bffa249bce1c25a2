"""FMA's `tracks.csv`: what is known of a track."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable
from typing import IO

from dataset import identity
from dataset.config import SUBSETS
from dataset.fma.csv_table import Layout, Record, Table, opened
from dataset.track import Row

LAYOUT = Layout("FMA's tracks.csv", ("", "", "track_id"))
# What is read of its 52 columns: field of Row → (group, column).
_NEEDED = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "artist_id": ("artist", "id"),
    "album_id": ("album", "id"),
    "genre": ("track", "genre_top"),
    "title": ("track", "title"),
    "license": ("track", "license"),
}
# A table that was cut down may do without.
_OPTIONAL = {"artist": ("artist", "name"), "genre_ids": ("track", "genres")}
# Where a year comes from: the release, else the recording. Dates of creation are those of the
# upload, which say nothing of the music.
_DATES = (("album", "date_released"), ("track", "date_recorded"))
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}.*")
_SPLITS = {"": "", "training": "train", "validation": "eval", "test": "test"}
_NOBODY = ("", "-1")
# As Python writes a list of whole numbers; a track has a handful of genres, of 163 that there are.
_LIST = re.compile(r"\[(?:[0-9]{1,9}(?:, ?[0-9]{1,9})*)?\]")
_LONGEST_LIST = 2_000  # characters


def load(path: str) -> dict[int, Row]:
    """Returns the rows of `tracks.csv` by track id.

    Raises:
        InputError: where the file cannot be read or is not FMA's `tracks.csv`.
    """
    with opened(path) as handle:
        return read_tracks(handle, path)


def read_tracks(handle: IO[bytes], name: str) -> dict[int, Row]:
    """Returns the rows of `tracks.csv` by track id.

    Artist and album are -1, and texts empty, where FMA names none or the column is not there.

    Args:
        handle: the open file.
        name: what to call it in an error.

    Raises:
        InputError: naming the column, or the row and the column, that is not as FMA has it.
    """
    table = Table(handle, name, LAYOUT)
    place = {field: table.place(column) for field, column in _NEEDED.items()}
    for field, column in _OPTIONAL.items():
        if (found := table.find(column)) is not None:
            place[field] = found
    dates = [at for column in _DATES if (at := table.find(column)) is not None]
    return {record.id: _row(record, place, dates) for record in table}


def in_subset(row: Row, subset: str) -> bool:
    """Returns whether a subset has a track; each includes the smaller ones, `full` has them all."""
    return subset == "full" or row.subset in SUBSETS[: SUBSETS.index(subset) + 1]


def _row(record: Record, place: dict[str, int], dates: Iterable[int]) -> Row:
    def text(field: str) -> str:
        # One copy of what many rows have: all of FMA has 16 top genres.
        return sys.intern(record.cells[place[field]]) if field in place else ""

    return Row(
        track_id=record.id,
        artist_id=_person_or_album(record, place["artist_id"]),
        album_id=_person_or_album(record, place["album_id"]),
        genre=sys.intern(identity.printable(text("genre"))),
        title=record.cells[place["title"]],
        license=text("license"),
        split=_split(record, place["split"]),
        subset=_subset(record, place["subset"]),
        year=_year(record.cells[at] for at in dates),
        artist=text("artist"),
        genre_ids=_genre_ids(record, place["genre_ids"]) if "genre_ids" in place else (),
    )


def _person_or_album(record: Record, place: int) -> int:
    if record.cells[place] in _NOBODY:
        return -1
    number = record.whole_number(place)
    if number < 0:
        raise record.refusal(place, "not the id of anything")
    return number


def _split(record: Record, place: int) -> str:
    if record.cells[place] not in _SPLITS:
        raise record.refusal(place, f"expected one of {list(filter(None, _SPLITS))}")
    return _SPLITS[record.cells[place]]


def _subset(record: Record, place: int) -> str:
    if record.cells[place] not in ("", *SUBSETS):
        raise record.refusal(place, f"expected one of {list(SUBSETS)}")
    return sys.intern(record.cells[place])


def _genre_ids(record: Record, place: int) -> tuple[int, ...]:
    found = _parse_list(record.cells[place])
    if found is None:
        raise record.refusal(place, "not a list of genre ids like [21, 15]")
    return found


@functools.lru_cache(maxsize=10_000)
def _parse_list(cell: str) -> tuple[int, ...] | None:
    """Returns the numbers in a list as Python writes it, None where it is no such list."""
    if not cell:
        return ()
    if len(cell) > _LONGEST_LIST or not _LIST.fullmatch(cell):
        return None
    return tuple(int(number) for number in re.findall("[0-9]+", cell))


def _year(dates: Iterable[str]) -> int:
    """Returns the year of the first that is a date, -1 where none is.

    A year only describes a clip, so an odd one is no reason to refuse a table.
    """
    for date in dates:
        if match := _DATE.fullmatch(date):
            return int(match[1])
    return -1
