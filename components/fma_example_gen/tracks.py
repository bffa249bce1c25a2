"""FMA's metadata: from `tracks.csv` and a folder listing to the tracks to read."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

import numpy as np

from components import files
from components.fma_example_gen import fma_features
from components.fma_example_gen.faults import Fault, FaultKind
from components.fma_example_gen.splits import OFFICIAL, artist_hash_split, official_split
from pipeline.config import SPLITS, DataConfig
from pipeline.errors import InputError

TRACKS_NAME = "tracks.csv"
# What is read of the 52 columns of tracks.csv: (group, column) → field of Row.
_COLUMNS = {
    ("set", "split"): "split",
    ("set", "subset"): "subset",
    ("artist", "id"): "artist_id",
    ("album", "id"): "album_id",
    ("track", "genre_top"): "genre",
    ("track", "title"): "title",
    ("track", "license"): "license",
}
# Where a year comes from, if the table has these columns: the release, else the recording. Dates of
# creation are those of the upload, which say nothing of the music.
_DATE_COLUMNS = (("album", "date_released"), ("track", "date_recorded"))
_DATE = re.compile(r"([0-9]{4})-[0-9]{2}-[0-9]{2}.*")
_LONGEST_FIELD = 16 * 2**20  # characters; artists' biographies pass the csv module's 128 KiB
# FMA has -1 where a track is of no album; 18 digits fit an int64.
_INTEGER = re.compile(r"-?[0-9]{1,18}")
# Subsets are ordered, medium includes small; large and full are all there is.
_PART_OF_ALL = {"small": ("small",), "medium": ("small", "medium")}


@dataclasses.dataclass(frozen=True)
class Row:
    """What is used of a row of `tracks.csv`; artist, album and year are -1 where FMA names none."""

    track_id: int
    artist_id: int
    album_id: int
    genre: str
    title: str
    license: str
    split: str
    subset: str
    year: int = -1


@dataclasses.dataclass(frozen=True)
class Track:
    """A track to read: its row, the split it belongs to and where its audio is.

    `fma_features` is its packed row of `features.csv`, no bytes where the run does without.
    """

    row: Row
    split: str
    path: str
    fma_features: bytes = b""


@dataclasses.dataclass(frozen=True)
class IngestPlan:
    """The tracks to read, by track id, and what is wrong before any file is opened."""

    tracks: list[Track]
    faults: list[Fault]

    @property
    def straddling_artists(self) -> list[int]:
        """Artists with tracks in more than one split, which flatter every figure."""
        splits: dict[int, set[str]] = {}
        for track in self.tracks:
            if track.row.artist_id >= 0:
                splits.setdefault(track.row.artist_id, set()).add(track.split)
        return sorted(artist for artist, within in splits.items() if len(within) > 1)

    @property
    def clips(self) -> Counter[tuple[str, str]]:
        """Number of tracks by (split, genre)."""
        return Counter((track.split, track.row.genre) for track in self.tracks)


def plan_ingest(data: DataConfig) -> IngestPlan:
    """Returns what is to be read for a configuration.

    Raises:
        InputError: where a folder or table is missing, or the table is not FMA's.
    """
    audio_files = find_audio(data.audio_dir)
    plan = _plan(_load_rows(data.metadata_dir), data, audio_files)
    return _add_fma_features(plan, data.metadata_dir) if data.fma_features else plan


def _load_rows(metadata_dir: str) -> dict[int, Row]:
    path = files.join(metadata_dir, TRACKS_NAME)
    if not files.folder_exists(metadata_dir):
        raise InputError(f"the metadata folder {metadata_dir} does not exist")
    if not files.exists(path):
        raise InputError(f"there is no tracks.csv in {metadata_dir}")
    try:
        with files.open_binary(path) as handle:
            return read_tracks(handle, path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_tracks(handle: IO[bytes], name: str) -> dict[int, Row]:
    """Returns the rows of `tracks.csv` by track id.

    Args:
        handle: the open file.
        name: what to call it in an error.

    Raises:
        InputError: naming the column, or the line and the column, that is not as FMA has it.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    lines = csv.reader(io.TextIOWrapper(handle, encoding="utf-8", newline=""))
    try:
        table = _refuse_nul(lines)
        groups, columns, index_row = next(table), next(table), next(table)
        place, dates = _find_columns(groups, columns, index_row, name)
        rows: dict[int, Row] = {}
        for cells in table:
            if not cells:
                continue
            row = _read_row(cells, place, dates, f"{name}, line {lines.line_num}")
            if row.track_id in rows:
                raise InputError(f"{name} has more than one row for track {row.track_id}")
            rows[row.track_id] = row
    except StopIteration as error:
        raise InputError(f"{name} is not FMA's tracks.csv: it has no three header rows") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name} is damaged near line {lines.line_num}: {error}") from error
    return rows


def _refuse_nul(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yields the rows; csv.Error where one holds NUL, which the csv module reads from 3.11 on."""
    for cells in rows:
        if "\0" in "".join(cells):
            raise csv.Error("line contains NUL")
        yield cells


def _find_columns(
    groups: list[str], columns: list[str], index_row: list[str], name: str
) -> tuple[dict[str, int], list[int]]:
    """Returns the place of every field of `Row` among the columns, and those of the dates."""
    place = {key: at for at, key in enumerate(zip(groups, columns, strict=False)) if at}
    for group, column in _COLUMNS:
        if (group, column) not in place:
            raise InputError(f"{name} is not FMA's tracks.csv: column {group}.{column} is missing")
    if index_row[:1] != ["track_id"]:
        raise InputError(f"{name} is not FMA's tracks.csv: the third row has no track_id")
    fields = {"track_id": 0} | {field: place[key] for key, field in _COLUMNS.items()}
    return fields, [place[key] for key in _DATE_COLUMNS if key in place]


def _read_row(cells: list[str], place: dict[str, int], dates: list[int], where: str) -> Row:
    if len(cells) <= max(*place.values(), *dates):
        raise InputError(f"{where}: the row ends after {len(cells)} columns")

    def number(field: str) -> int:
        value = cells[place[field]]
        if not value and field != "track_id":
            return -1
        if not _INTEGER.fullmatch(value):
            raise InputError(f"{where}: {field} is {value!r}, not a whole number")
        return int(value)

    return Row(
        track_id=number("track_id"),
        artist_id=number("artist_id"),
        album_id=number("album_id"),
        genre=cells[place["genre"]],
        title=cells[place["title"]],
        license=cells[place["license"]],
        split=cells[place["split"]],
        subset=cells[place["subset"]],
        year=_year(cells[at] for at in dates),
    )


def _year(dates: Iterable[str]) -> int:
    """Returns the year of the first that is a date, -1 where none is.

    A year only describes a clip, so an odd one is no reason to refuse a table.
    """
    for date in dates:
        if match := _DATE.fullmatch(date):
            return int(match[1])
    return -1


def audio_pattern(audio_dir: str) -> str:
    """Returns the glob pattern of the files in FMA's id-prefix folders."""
    return files.join(audio_dir, "*", "*")


def find_audio(audio_dir: str) -> list[str]:
    """Returns the paths of the files in FMA's id-prefix folders (`000/000002.mp3`).

    Raises:
        InputError: where the folder is missing or holds no such file.
    """
    if not files.folder_exists(audio_dir):
        raise InputError(f"the audio folder {audio_dir} does not exist")
    if set(audio_dir) & set("*?["):
        raise InputError(f"the audio folder {audio_dir} has one of * ? [ in its path; rename it")
    found = files.matching(audio_pattern(audio_dir))
    if not found:
        raise InputError(f"the audio folder {audio_dir} holds no files like 000/000002.mp3")
    return found


def _plan(rows: Mapping[int, Row], data: DataConfig, audio_files: Iterable[str]) -> IngestPlan:
    faults: list[Fault] = []
    path_of: dict[int, str] = {}
    for path in audio_files:
        track_id = track_id_of(path)
        if track_id not in rows:
            faults.append(Fault(path, track_id, FaultKind.NO_METADATA, "no row in tracks.csv"))
        elif track_id in path_of:
            detail = f"{path_of[track_id]} is used"
            faults.append(Fault(path, track_id, FaultKind.DUPLICATE_FILE, detail))
        else:
            path_of[track_id] = path
    tracks = []
    for track_id, row in sorted(rows.items()):
        if data.subset in _PART_OF_ALL and row.subset not in _PART_OF_ALL[data.subset]:
            continue
        path = path_of.get(track_id, _expected_path(data.audio_dir, track_id))
        if not row.genre:
            faults.append(Fault(path, track_id, FaultKind.NO_GENRE, "genre_top is empty"))
        elif track_id not in path_of:
            detail = "tracks.csv names the track, but there is no file"
            faults.append(Fault(path, track_id, FaultKind.MISSING_FILE, detail))
        else:
            tracks.append(Track(row, _split_of(row, data.split), path))
    return IngestPlan(tracks, faults)


def _add_fma_features(plan: IngestPlan, metadata_dir: str) -> IngestPlan:
    """Returns the plan with each track's row of `features.csv`, without the tracks that have none.

    Raises:
        InputError: where the table is missing, not FMA's or of other tracks.
    """
    values = fma_features.load(metadata_dir, [track.row.track_id for track in plan.tracks])
    if plan.tracks and not values:
        raise InputError(
            f"{files.join(metadata_dir, fma_features.FILE_NAME)} has no row for any of the "
            f"{len(plan.tracks)} tracks"
        )
    tracks, faults = [], list(plan.faults)
    for track in plan.tracks:
        row = values.pop(track.row.track_id, None)
        if row is not None and np.isfinite(row).all():
            tracks.append(dataclasses.replace(track, fma_features=fma_features.pack(row)))
            continue
        if row is None:
            detail = f"no row in {fma_features.FILE_NAME}"
        else:
            first = fma_features.COLUMNS[int(np.argmin(np.isfinite(row)))]
            detail = f"{'.'.join(first)} is missing or not finite in {fma_features.FILE_NAME}"
        faults.append(Fault(track.path, track.row.track_id, FaultKind.NO_FEATURES, detail))
    return IngestPlan(tracks, faults)


def _expected_path(audio_dir: str, track_id: int) -> str:
    name = f"{track_id:06d}"
    return files.join(audio_dir, name[:3], f"{name}.*")


def track_id_of(path: str) -> int:
    """Returns the track id in a file's name (`…/000002.mp3` → 2), -1 where it holds none."""
    match = re.fullmatch(r"(\d+)\.\w+", re.split(r"[/\\]", path)[-1])
    return int(match[1]) if match else -1


def _split_of(row: Row, policy: str) -> str:
    if policy == "artist-hash":
        # A track without an artist is bound to nobody else, so it stands for an artist of its own.
        return artist_hash_split(row.artist_id if row.artist_id >= 0 else -1 - row.track_id)
    split = official_split(row.split)
    if split is None:
        raise InputError(
            f"tracks.csv: set.split of track {row.track_id} is {row.split!r}, expected one of "
            f"{list(OFFICIAL)}"
        )
    return split


def check_trainable(clips: Mapping[tuple[str, str], int], where: str) -> None:
    """Makes sure that the clips can train, rank and judge a classifier.

    Args:
        clips: number of clips by (split, genre).
        where: what to call the clips in an error.

    Raises:
        InputError: where there is no clip, a single genre, a genre without a `train` clip or an
            empty split.
    """
    genres = sorted({genre for (_, genre), count in clips.items() if count})
    if not genres:
        raise InputError(f"there is no usable audio in {where}")
    if len(genres) == 1:
        raise InputError(f"{where} holds a single genre, {genres[0]!r}: nothing to tell apart")
    for genre in genres:
        if not clips.get(("train", genre)):
            raise InputError(f"genre {genre!r} has no usable train track in {where}")
    for split in SPLITS:
        if not any(clips.get((split, genre)) for genre in genres):
            raise InputError(f"the {split} split is empty in {where}")
