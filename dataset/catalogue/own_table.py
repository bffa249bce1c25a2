"""An archive with a table of its own: a CSV file with a row for each audio file."""

from __future__ import annotations

import dataclasses
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator, Sequence

import pandas as pd

from common import files
from common.errors import InputError
from dataset import identity
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import spans
from dataset.catalogue.file_names import other_kind
from dataset.catalogue.listing import NOT_IN_SPANS, AudioFile, Barred, Listing
from dataset.config import DataConfig
from dataset.fma.csv_table import WHOLE_NUMBER, CsvTable, read_table
from dataset.track import ROW_FIELDS, Catalogue, Row, Track

REQUIRED_COLUMNS = ("path", "genre")
OPTIONAL_COLUMNS = ("artist", "album", "title", "license", "year", "split", "track_id")
SPLIT_OF = {
    "train": "train", "training": "train",
    "eval": "eval", "val": "eval", "valid": "eval", "validation": "eval", "dev": "eval",
    "test": "test", "testing": "test",
}  # fmt: skip
_IGNORES_SPLITS = "artist-grouped"
_LEADS_OUT = "the path leads out of the audio folder"
_NO_SUCH_FILE = "there is no such file"
_DRIVE = re.compile(r"[A-Za-z]:/")


def read_archive(data: DataConfig, listing: Listing) -> Catalogue:
    """Returns a track for each row whose file is there, and a fault for each other.

    Where tracks are split by artist, what the column `split` has is not looked at.

    Raises:
        InputError: where the table is missing or damaged, naming line and column.
    """
    entries = load(require_table(data), use_splits=data.split != _IGNORES_SPLITS)
    return _match(entries, data, listing)


def require_table(data: DataConfig) -> str:
    """Returns the path of the table; raises InputError where it is missing."""
    if not files.exists(data.tracks_csv):
        raise InputError(f"the table {data.tracks_csv} does not exist")
    return data.tracks_csv


def load(path: str, *, use_splits: bool = True) -> pd.DataFrame:
    """Returns the rows of a table in its order, by the line that they begin on.

    Names of columns may be in any case and order; `path` and `genre` have to be among them, and
    those that are not known are not looked at.

    The column `path` is as it is written; the others are the fields of `Row`, with -1 as the id of
    a track where none is given.

    Raises:
        InputError: naming the line and the column.
    """
    table = read_table(path, REQUIRED_COLUMNS, OPTIONAL_COLUMNS)
    paths = table.cells["path"]
    if paths.empty:
        raise InputError(f"{path} has no row below its header")
    table.require("path", paths.str.strip() != "", "a path")
    texts = table.cells.drop(columns="path").apply(lambda cells: cells.map(identity.printable))
    table = CsvTable(path, texts.assign(path=paths))
    words = texts["split"].str.lower()
    if use_splits and words.any():
        expected = f"train, eval or test in every row; fix it, or use --split {_IGNORES_SPLITS}"
        table.require("split", words.isin(SPLIT_OF), expected)
    albums = zip(texts["album"], texts["artist"], strict=True)
    return pd.DataFrame({
        "path": paths,
        "track_id": _track_ids(table),
        "artist_id": texts["artist"].map(identity.artist_id),
        "album_id": [identity.album_id(*album) for album in albums],
        **texts[["genre", "title", "license"]],
        "split": words.map(lambda word: SPLIT_OF.get(word, "")) if use_splits else "",
        "year": texts["year"].str.extract("^([0-9]{4})(?![0-9])", expand=False)
        .fillna("-1").astype("int64"),
        "artist": texts["artist"],
    })  # fmt: skip


def _track_ids(table: CsvTable) -> pd.Series[int]:
    """Returns the given ids; a row that is there twice is of one track, two paths are not."""
    cells = table.cells["track_id"]
    table.require("track_id", cells.str.fullmatch(f"(?:{WHOLE_NUMBER})?"), "a whole number")
    ids = cells.replace("", "-1").astype("int64")
    first_path = table.cells["path"].groupby(ids).transform("first")
    is_own = (ids < 0) | (table.cells["path"] == first_path)
    table.require("track_id", is_own, "an id that no other path has")
    return ids


def _match(entries: pd.DataFrame, data: DataConfig, listing: Listing) -> Catalogue:
    """Returns the tracks of the rows that have a file and a genre."""
    name, has_spans = data.tracks_csv, spans.parse(data.audio_dir).has_span
    find = FileFinder(listing).find
    tracks: dict[int, Track] = {}
    line_of: dict[str, int] = {}  # by the path of a file that is used
    seen: set[str] = set()
    faults, n_elsewhere, n_wrong = [], 0, 0
    for line, path, *values in entries[["path", *ROW_FIELDS]].itertuples(name=None):
        where = f"{name}, line {line}"
        file, row = find(path), Row(*values)
        if row.track_id < 0:
            derived = identity.track_id(file.name if isinstance(file, AudioFile) else path)
            row = dataclasses.replace(row, track_id=derived)
        seen.add(file.path)
        if isinstance(file, Barred):
            n_wrong += file.detail in (_LEADS_OUT, _NO_SUCH_FILE)
            if has_spans and file.kind is FaultKind.MISSING_FILE:
                n_elsewhere += 1
            else:
                faults.append(Fault(path, row.track_id, file.kind, f"{where}: {file.detail}"))
        elif not row.genre:
            detail = f"{where}: genre is empty"
            faults.append(Fault(file.path, row.track_id, FaultKind.NO_GENRE, detail))
        elif file.path in line_of:
            detail = f"{where}: line {line_of[file.path]} has the same file and is used"
            faults.append(Fault(file.path, row.track_id, FaultKind.DUPLICATE_FILE, detail))
        elif row.track_id in tracks:
            raise InputError(
                f"{where}: {path} comes to the track_id that {tracks[row.track_id].path} has; "
                "give it another one"
            )
        else:
            line_of[file.path] = line
            tracks[row.track_id] = Track(row, file.path, span=file.span)
    if n_wrong == len(entries):
        there_is = f"the first file is {listing.files[0].name}" if listing.files else "it is empty"
        raise InputError(
            f"no path in {name} leads to a file in {data.audio_dir}: the first path is "
            f"{entries['path'].iloc[0]}, {there_is}; correct --audio-dir or the paths, which start "
            f"from it{listing.unread}"
        )
    faults += _unnamed(listing, seen, name)
    left_out = {NOT_IN_SPANS: n_elsewhere} if n_elsewhere else {}
    return Catalogue(list(tracks.values()), faults, left_out)


def _unnamed(listing: Listing, seen: set[str], table: str) -> Iterator[Fault]:
    """Yields a fault for each file that may be audio and that no row names."""
    names = {file.name for file in listing.files if file.path in seen}
    entries: list[AudioFile | Barred] = [*listing.files, *listing.barred]
    for entry in entries:
        if entry.path in seen or other_kind(entry.name):
            continue
        if isinstance(entry, Barred):
            yield entry.fault()
        elif entry.name in names:
            detail = "an earlier span has a file of this name, which is used"
            yield Fault(entry.path, -1, FaultKind.DUPLICATE_FILE, detail)
        else:
            yield Fault(entry.path, -1, FaultKind.NO_METADATA, f"no row in {table}")


class FileFinder:
    """Finds the file that a table names, in the folder of the first span that has it."""

    def __init__(self, listing: Listing):
        """Keeps what was listed; nothing is looked up on the disk."""
        self._folders = list(listing.folders.values())
        self._names = {file.name: file for file in reversed(listing.files)}
        entries: list[AudioFile | Barred] = [*listing.barred, *listing.files]
        # Some systems compose letters and accents in names, some do not.
        self._entries: dict[str, AudioFile | Barred] = {_composed(e.path): e for e in entries}
        self._entries.update({entry.path: entry for entry in entries})

    def find(self, path: str) -> AudioFile | Barred:
        """Returns the file at a path of the table, or why there is none to open."""
        if path in self._names:  # a backslash may be part of a name
            return self._names[path]
        candidates = list(self._candidates(path.replace("\\", "/").strip()))
        if not candidates:
            return Barred(0, path, path, FaultKind.OUTSIDE_FOLDER, _LEADS_OUT)
        places = [place for at in candidates for place in (at, _composed(at))]
        found = [self._entries[place] for place in places if place in self._entries]
        found.sort(key=lambda entry: isinstance(entry, Barred))
        return found[0] if found else self._barred_above(candidates, path)

    def _candidates(self, path: str) -> Iterator[str]:
        """Yields where the file may be; nothing for a path out of the folder."""
        is_absolute = "://" in path or _DRIVE.match(path)
        for folder in self._folders:
            top = os.path.join(os.path.abspath(folder), "")
            whole = os.path.abspath(path if is_absolute else os.path.join(folder, path))
            if whole.startswith(top):
                yield f"{folder}/{whole.removeprefix(top)}"

    def _barred_above(self, candidates: Sequence[str], path: str) -> Barred:
        """Returns the fault of a file that was not listed; a link to a folder may be why."""
        for candidate in candidates:
            while (candidate := posixpath.dirname(candidate)) and "/" in candidate.strip("/"):
                above = self._entries.get(candidate)
                if isinstance(above, Barred):
                    is_outside = above.kind is FaultKind.OUTSIDE_FOLDER
                    kind = above.kind if is_outside else FaultKind.MISSING_FILE
                    return above._replace(kind=kind, detail=f"{above.path} is {above.detail}")
        return Barred(0, path, path, FaultKind.MISSING_FILE, _NO_SUCH_FILE)


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)
