"""The two metadata tables, laid out as FMA's own ``tracks.csv`` and ``genres.csv``."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from corpus.catalogue import Album, Artist, Track
from corpus.spec import SAMPLE_RATE_HZ, SAMPLE_WIDTH_BYTES, CorpusSpec
from corpus.styles import GENRES

LICENSE = "CC0 1.0 Universal"

# FMA's ids of the eight root genres.
GENRE_IDS: dict[str, int] = {
    "International": 2,
    "Pop": 10,
    "Rock": 12,
    "Electronic": 15,
    "Folk": 17,
    "Hip-Hop": 21,
    "Experimental": 38,
    "Instrumental": 1235,
}

TRACKS_COLUMNS: dict[str, tuple[str, ...]] = {
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

Value = str | int
Row = dict[tuple[str, str], Value]


def write_tracks_csv(path: Path, spec: CorpusSpec, tracks: Iterable[Track]) -> None:
    """Write the table of the tracks that have a row: two header rows, then the index row.

    Raises:
        OSError: If the file cannot be written.
    """
    columns = [(group, name) for group, names in TRACKS_COLUMNS.items() for name in names]
    named = [track for track in tracks if track.has_row]
    album_sizes = Counter(track.album.album_id for track in named)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["", *(group for group, _ in columns)])
        table.writerow(["", *(name for _, name in columns)])
        table.writerow(["track_id", *("" for _ in columns)])
        for track in named:
            row = _row(spec, track, album_sizes[track.album.album_id])
            table.writerow([track.track_id, *(row.get(column, "") for column in columns)])


def write_genres_csv(path: Path, tracks: Iterable[Track]) -> None:
    """Write the table of the genres, in the order of their ids; all of them are roots.

    Raises:
        OSError: If the file cannot be written.
    """
    counts = Counter(track.genre for track in tracks if track.has_row)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["genre_id", "#tracks", "parent", "title", "top_level"])
        for genre in sorted(GENRES, key=GENRE_IDS.__getitem__):
            genre_id = GENRE_IDS[genre]
            table.writerow([genre_id, counts[genre], 0, genre, genre_id])


def _row(spec: CorpusSpec, track: Track, album_size: int) -> Row:
    return {
        **_album_values(track.album, album_size),
        **_artist_values(track.artist),
        ("set", "split"): track.artist.split,
        ("set", "subset"): "small",
        **_track_values(spec, track),
    }


def _album_values(album: Album, size: int) -> Row:
    # FMA never leaves a counter empty, so those of nobody's clicks are 0 here.
    return {
        ("album", "comments"): 0,
        ("album", "date_created"): album.released,
        ("album", "date_released"): album.released,
        ("album", "favorites"): 0,
        ("album", "id"): album.album_id,
        ("album", "listens"): 0,
        ("album", "tags"): "[]",
        ("album", "title"): album.title,
        ("album", "tracks"): size,
        ("album", "type"): "Album",
    }


def _artist_values(artist: Artist) -> Row:
    return {
        ("artist", "comments"): 0,
        ("artist", "favorites"): 0,
        ("artist", "id"): artist.artist_id,
        ("artist", "name"): artist.name,
        ("artist", "tags"): "[]",
    }


def _track_values(spec: CorpusSpec, track: Track) -> Row:
    genres = f"[{GENRE_IDS[track.genre]}]" if track.genre else "[]"
    return {
        ("track", "bit_rate"): SAMPLE_RATE_HZ * 8 * SAMPLE_WIDTH_BYTES * track.channels,
        ("track", "comments"): 0,
        ("track", "date_created"): track.album.released,
        # A row tells what a file ought to be, also where the file is faulty.
        ("track", "duration"): round(spec.clip_seconds),
        ("track", "favorites"): 0,
        ("track", "genre_top"): track.genre or "",
        ("track", "genres"): genres,
        ("track", "genres_all"): genres,
        ("track", "interest"): 0,
        ("track", "license"): LICENSE,
        ("track", "listens"): 0,
        ("track", "number"): track.number,
        ("track", "tags"): "[]",
        ("track", "title"): track.title,
    }
