"""The two tables of metadata, laid out as FMA's own ``tracks.csv`` and ``genres.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from corpus.catalogue import Track
from corpus.spec import SAMPLE_RATE_HZ, CorpusSpec, PlantedFault

# FMA's ids of the eight root genres.
GENRE_IDS = {
    "International": 2,
    "Pop": 10,
    "Rock": 12,
    "Electronic": 15,
    "Folk": 17,
    "Hip-Hop": 21,
    "Experimental": 38,
    "Instrumental": 1235,
}

TRACKS_COLUMNS = {
    "album": (
        "comments", "date_created", "date_released", "engineer", "favorites", "id",
        "information", "listens", "producer", "tags", "title", "tracks", "type",
    ),
    "artist": (
        "active_year_begin", "active_year_end", "associated_labels", "bio", "comments",
        "date_created", "favorites", "id", "latitude", "location", "longitude", "members",
        "name", "related_projects", "tags", "website", "wikipedia_page",
    ),
    "set": ("split", "subset"),
    "track": (
        "bit_rate", "comments", "composer", "date_created", "date_recorded", "duration",
        "favorites", "genre_top", "genres", "genres_all", "information", "interest",
        "language_code", "license", "listens", "lyricist", "number", "publisher", "tags",
        "title",
    ),
}  # fmt: skip
_COLUMNS = [(group, name) for group, names in TRACKS_COLUMNS.items() for name in names]
# FMA leaves neither a counter nor a list of tags empty.
_FILLED = {"comments": 0, "favorites": 0, "interest": 0, "listens": 0, "tags": "[]"}


def write_tables(folder: Path, spec: CorpusSpec, tracks: Sequence[Track]) -> None:
    """Writes the table of the tracks that have a row, and that of the genres, all of them roots."""
    named = [track for track in tracks if track.fault is not PlantedFault.NO_METADATA]
    album_sizes = Counter(track.album.album_id for track in named)
    table = pd.DataFrame(
        [_row(spec, track, album_sizes[track.album.album_id]) for track in named],
        index=pd.Index([track.track_id for track in named], name="track_id"),
        columns=pd.MultiIndex.from_tuples(_COLUMNS),
    )
    table.to_csv(folder / "tracks.csv")
    counts = Counter(track.genre for track in named)
    genres = [[counts[genre], 0, genre, genre_id] for genre, genre_id in GENRE_IDS.items()]
    pd.DataFrame(
        genres,
        index=pd.Index(GENRE_IDS.values(), name="genre_id"),
        columns=["#tracks", "parent", "title", "top_level"],
    ).to_csv(folder / "genres.csv")


def _row(spec: CorpusSpec, track: Track, album_size: int) -> dict[tuple[str, str], object]:
    album, artist = track.album, track.artist
    genres = f"[{GENRE_IDS[track.genre]}]" if track.genre else "[]"
    return {
        **{column: _FILLED.get(column[1]) for column in _COLUMNS},
        ("album", "date_created"): album.released,
        ("album", "date_released"): album.released,
        ("album", "id"): album.album_id,
        ("album", "title"): album.title,
        ("album", "tracks"): album_size,
        ("album", "type"): "Album",
        ("artist", "id"): artist.artist_id,
        ("artist", "name"): artist.name,
        ("set", "split"): artist.split,
        ("set", "subset"): "small",
        ("track", "bit_rate"): 16 * SAMPLE_RATE_HZ * track.channels,
        ("track", "date_created"): album.released,
        # What the file ought to be, also where it is faulty.
        ("track", "duration"): round(spec.clip_seconds),
        ("track", "genre_top"): track.genre or "",
        ("track", "genres"): genres,
        ("track", "genres_all"): genres,
        ("track", "license"): "CC0 1.0 Universal, synthetic music",
        ("track", "number"): track.number,
        ("track", "title"): track.title,
    }
