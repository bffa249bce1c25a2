"""FMA's `echonest.csv`: what The Echo Nest, since part of Spotify, knew of 13,129 tracks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dataset.fma.csv_table import Layout, Record, Table, opened

FILE_NAME = "echonest.csv"
LAYOUT = Layout(f"FMA's {FILE_NAME}", ("", "", "", "track_id"))

_AUDIO_FEATURES = (
    "acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness",
    "tempo", "valence",
)  # fmt: skip
_METADATA = (
    "album_date", "album_name", "artist_latitude", "artist_location", "artist_longitude",
    "artist_name", "release",
)  # fmt: skip
_RANKS = (
    "artist_discovery_rank", "artist_familiarity_rank", "artist_hotttnesss_rank",
    "song_currency_rank", "song_hotttnesss_rank",
)  # fmt: skip
_SOCIAL_FEATURES = (
    "artist_discovery", "artist_familiarity", "artist_hotttnesss", "song_currency",
    "song_hotttnesss",
)  # fmt: skip
# The columns of each group, in the table's order.
GROUPS = {
    "audio_features": _AUDIO_FEATURES,
    "metadata": _METADATA,
    "ranks": _RANKS,
    "social_features": _SOCIAL_FEATURES,
    "temporal_features": tuple(f"{number:03d}" for number in range(224)),
}
# The 249 columns, as ("echonest", group, column).
COLUMNS = tuple(("echonest", group, name) for group, names in GROUPS.items() for name in names)
_PLACES = {column: place for place, column in enumerate(COLUMNS)}
_DEGREES = ("artist_latitude", "artist_longitude")


@dataclasses.dataclass(frozen=True)
class Song:
    """What The Echo Nest knew of a track, by column; a number that is missing is nan.

    Attributes:
        audio_features: from 0 to 1, but for `tempo` in beats a minute.
        metadata: as it is written.
        ranks: of the artist and the song among all that The Echo Nest knew, from 1 on.
        social_features: how much is heard and said of them.
        temporal_features: float64 [224], of the track's segments.
    """

    audio_features: Mapping[str, float]
    metadata: Mapping[str, str]
    ranks: Mapping[str, float]
    social_features: Mapping[str, float]
    temporal_features: NDArray[np.float64]


def load(path: str) -> dict[int, Song]:
    """Returns the rows of `echonest.csv` by track id.

    Raises:
        InputError: where the file cannot be read or is not FMA's `echonest.csv`.
    """
    with opened(path) as handle:
        return dict(read_echonest(handle, path))


def check(path: str) -> int:
    """Returns how many rows an `echonest.csv` has, all of which have been looked at.

    Raises:
        InputError: where the file cannot be read or is not FMA's `echonest.csv`.
    """
    with opened(path) as handle:
        return sum(1 for _ in read_echonest(handle, path))


def read_echonest(handle: IO[bytes], name: str) -> Iterator[tuple[int, Song]]:
    """Yields the rows as (track id, what is known).

    Args:
        handle: the open file.
        name: what to call it in an error.

    Raises:
        InputError: naming the column, or the row and the column, that is not as FMA has it.
    """
    table = Table(handle, name, LAYOUT)
    table.require_columns(COLUMNS)
    for record in table:
        yield record.id, _song(record)


def _song(record: Record) -> Song:
    begin, end = _place("metadata", _METADATA[0]), _place("ranks", _RANKS[0])
    for name in _DEGREES:
        place = _place("metadata", name)
        record.numbers(place, place + 1)
    return Song(
        audio_features=_numbers(record, "audio_features"),
        metadata=dict(zip(_METADATA, record.cells[begin:end], strict=True)),
        ranks=_numbers(record, "ranks"),
        social_features=_numbers(record, "social_features"),
        temporal_features=np.array(list(_numbers(record, "temporal_features").values())),
    )


def _numbers(record: Record, group: str) -> dict[str, float]:
    names = GROUPS[group]
    begin = _place(group, names[0])
    return dict(zip(names, record.numbers(begin, begin + len(names)), strict=True))


def _place(group: str, name: str) -> int:
    return _PLACES["echonest", group, name]
