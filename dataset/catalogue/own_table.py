"""An archive with a table of its own: a CSV file with a row for each audio file."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import IO

from common import files
from common.errors import InputError
from dataset import identity
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import spans
from dataset.catalogue.file_names import other_kind
from dataset.catalogue.listing import NOT_IN_SPANS, AudioFile, Barred, Listing
from dataset.config import DataConfig
from dataset.fma.csv_table import lines, opened, quoted
from dataset.track import Catalogue, Row, Track

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
_MOST_COMPARED = 1000  # names of files, for the nearest one in an error
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
_DRIVE = re.compile(r"[A-Za-z]:/")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A row of the table; `line` is where it begins, `track_id` -1 for none.

    The path is as it is written, other texts are `identity.printable`.
    """

    line: int
    path: str
    genre: str
    artist: str = ""
    album: str = ""
    title: str = ""
    license: str = ""
    year: str = ""
    split: str = ""
    track_id: int = -1


def read_archive(data: DataConfig, listing: Listing) -> Catalogue:
    """Returns a track for each row whose file is there, and a fault for each other.

    Where tracks are split by artist, what the column `split` has is not looked at.

    Raises:
        InputError: where the table is missing or damaged, naming line and column.
    """
    require_table(data)
    with opened(data.tracks_csv) as handle:
        entries = read_table(handle, data.tracks_csv)
    if data.split == _IGNORES_SPLITS:
        entries = [dataclasses.replace(entry, split="") for entry in entries]
    check_splits(entries, data.tracks_csv)
    return _match(entries, data, listing)


def require_table(data: DataConfig) -> None:
    """Makes sure that the table is there; raises InputError."""
    if not files.exists(data.tracks_csv):
        raise InputError(f"the table {data.tracks_csv} does not exist")


def read_table(handle: IO[bytes], name: str) -> list[Entry]:
    """Returns the rows of a table, in its order.

    The first row has the names of the columns, in any case and order; `path` and `genre` have to be
    among them, and those that are not known are not looked at.

    Args:
        handle: the open file, UTF-8 with or without a mark, cells separated by commas.
        name: what to call it in an error.

    Raises:
        InputError: naming the line and the column.
    """
    rows = lines(handle, name)
    line, header = next(rows, (1, []))
    place = _find_columns(header, f"{name}, line {line}")
    entries = [
        _read_entry(cells, place, len(header), line, name) for line, cells in rows if any(cells)
    ]
    if not entries:
        raise InputError(f"{name} has no row below its header")
    _check_ids(entries, name)
    return entries


def _find_columns(header: list[str], where: str) -> dict[str, int]:
    """Returns the place of each column that is known."""
    columns = [column.strip().lower() for column in header]
    for column in REQUIRED_COLUMNS:
        if column not in columns:
            has = ", ".join(filter(None, columns)) or "nothing"
            raise InputError(
                f"{where}: column {column} is missing; the line has {has}, and cells are "
                "separated by commas"
            )
    known = [column for column in columns if column in REQUIRED_COLUMNS + OPTIONAL_COLUMNS]
    for column in known:
        if known.count(column) > 1:
            raise InputError(f"{where}: column {column} is there more than once")
    return {column: columns.index(column) for column in known}


def _read_entry(
    cells: list[str], place: dict[str, int], n_columns: int, line: int, name: str
) -> Entry:
    where = f"{name}, line {line}"
    if len(cells) < n_columns or any(cells[n_columns:]):
        raise InputError(
            f"{where}: the row has {len(cells)} cells, the header {n_columns}; a cell with a comma "
            "has to be in quotation marks"
        )
    texts = {column: cells[at] for column, at in place.items()}
    path = texts.pop("path")
    values = {column: identity.printable(text) for column, text in texts.items()}
    if not path.strip():
        raise InputError(f"{where}: path is empty")
    track_id = values.pop("track_id", "")
    if track_id and not _WHOLE_NUMBER.fullmatch(track_id):
        raise InputError(f"{where}: track_id is {quoted(track_id)}, not a whole number")
    return Entry(line, path, track_id=int(track_id or -1), **values)


def _check_ids(entries: Sequence[Entry], name: str) -> None:
    """Raises InputError for an id of two tracks; a row that is there twice is of one."""
    first: dict[int, Entry] = {}
    for entry in entries:
        other = first.setdefault(entry.track_id, entry)
        if entry.track_id >= 0 and other.path != entry.path:
            raise InputError(
                f"{name}, line {entry.line}: track_id {entry.track_id} is that of line "
                f"{other.line}, too"
            )


def check_splits(entries: Sequence[Entry], name: str) -> None:
    """Makes sure that each row has a split, or none has.

    Raises:
        InputError: naming the first line that has none, or one that is unknown.
    """
    if not any(entry.split for entry in entries):
        return
    for entry in entries:
        if entry.split.lower() not in SPLIT_OF:
            is_said = (
                f"{quoted(entry.split)}, expected train, eval or test" if entry.split else "empty"
            )
            raise InputError(
                f"{name}, line {entry.line}: split is {is_said}; fix it, or use --split "
                f"{_IGNORES_SPLITS}"
            )


def _all_paths_wrong(first: Entry, data: DataConfig, listing: Listing) -> InputError:
    nearest = nearest_file(first.path, listing)
    there_is = f"the nearest file is {nearest}" if nearest else "no audio file is there"
    return InputError(
        f"no path in {data.tracks_csv} leads to a file in {data.audio_dir}: line {first.line} has "
        f"{first.path}, {there_is}; correct --audio-dir or the paths, which start from it"
        f"{listing.unread}"
    )


def nearest_file(path: str, listing: Listing) -> str:
    """Returns the name of the audio file most similar to a path; empty if no file is listed."""
    path = path.replace("\\", "/")
    stem = _stem(path)
    names = [file.name for file in listing.files if not other_kind(file.name)]
    namesakes = [name for name in names if _stem(name) == stem] or names
    some = namesakes[:: len(namesakes) // _MOST_COMPARED + 1]
    return "".join(difflib.get_close_matches(path, some, n=1, cutoff=0.0))


def _stem(path: str) -> str:
    return _composed(posixpath.splitext(posixpath.basename(path))[0]).casefold()


def _match(entries: Sequence[Entry], data: DataConfig, listing: Listing) -> Catalogue:
    """Returns the tracks of the rows that have a file and a genre."""
    name, has_spans = data.tracks_csv, spans.parse(data.audio_dir).has_span
    places = Places(listing)
    tracks: dict[int, Track] = {}
    first: dict[str, Entry] = {}  # by the path of a file that is used
    seen: set[str] = set()
    faults, n_elsewhere, n_wrong = [], 0, 0
    for entry in entries:
        where = f"{name}, line {entry.line}"
        file = places.find(entry.path)
        row = _row_of(entry, file.name if isinstance(file, AudioFile) else entry.path)
        seen.add(file.path)
        n_wrong += isinstance(file, Barred) and file.detail in (_LEADS_OUT, _NO_SUCH_FILE)
        if isinstance(file, Barred) and has_spans and file.kind is FaultKind.MISSING_FILE:
            n_elsewhere += 1
        elif isinstance(file, Barred):
            detail = f"{where}: {file.detail}"
            faults.append(Fault(entry.path, row.track_id, file.kind, detail))
        elif not row.genre:
            detail = f"{where}: genre is empty"
            faults.append(Fault(file.path, row.track_id, FaultKind.NO_GENRE, detail))
        elif file.path in first:
            _refuse_contradiction(first[file.path], entry, name)
            detail = f"{where}: line {first[file.path].line} has the same file and is used"
            faults.append(Fault(file.path, row.track_id, FaultKind.DUPLICATE_FILE, detail))
        elif row.track_id in tracks:
            raise InputError(identity.collision(tracks[row.track_id].path, file.path))
        else:
            first[file.path] = entry
            tracks[row.track_id] = Track(row, file.path, span=file.span)
    if n_wrong == len(entries):
        raise _all_paths_wrong(entries[0], data, listing)
    faults += _unnamed(listing, seen, name)
    left_out = {NOT_IN_SPANS: n_elsewhere} if n_elsewhere else {}
    return Catalogue(list(tracks.values()), faults, left_out)


def _refuse_contradiction(one: Entry, other: Entry, name: str) -> None:
    """Raises InputError where two rows of a file say different things of it."""
    for column in ("genre", "artist", "split"):
        if getattr(one, column) != getattr(other, column):
            raise InputError(
                f"{name}, lines {one.line} and {other.line}: {one.path} has the {column} "
                f"{quoted(getattr(one, column))} and {quoted(getattr(other, column))}; remove one"
            )


def _unnamed(listing: Listing, seen: Collection[str], name: str) -> Iterator[Fault]:
    """Yields a fault for each file that may be audio and that no row names."""
    names = {file.name for file in listing.files if file.path in seen}
    for file in listing.files:
        if file.path in seen or other_kind(file.name):
            continue
        if file.name in names:
            detail = "an earlier span has a file of this name, which is used"
            yield Fault(file.path, -1, FaultKind.DUPLICATE_FILE, detail)
        else:
            yield Fault(file.path, -1, FaultKind.NO_METADATA, f"no row in {name}")
    for entry in listing.barred:
        if entry.path not in seen and not other_kind(entry.name):
            yield entry.fault()


def _row_of(entry: Entry, name: str) -> Row:
    """Returns the row of a track whose file has a name below the audio folder."""
    year = re.match(r"[0-9]{4}(?![0-9])", entry.year)
    return Row(
        track_id=entry.track_id if entry.track_id >= 0 else identity.track_id(name),
        artist_id=identity.artist_id(entry.artist),
        album_id=identity.album_id(entry.album, entry.artist),
        genre=entry.genre,
        title=entry.title,
        license=entry.license,
        split=SPLIT_OF.get(entry.split.lower(), ""),
        year=int(year[0]) if year else -1,
        artist=entry.artist,
    )


class Places:
    """Finds the file that a table names, in the folder of the first span that has it."""

    def __init__(self, listing: Listing):
        """Keeps what was listed; nothing is looked up on the disk."""
        self._folders = listing.folders
        self._found: dict[str, AudioFile | Barred] = {
            **{entry.path: entry for entry in listing.barred},
            **{file.path: file for file in listing.files},
        }
        self._names = {file.name: file for file in reversed(listing.files)}

    def find(self, path: str) -> AudioFile | Barred:
        """Returns the file at a path of the table, or why there is none to open."""
        if path in self._names:  # a backslash may be part of a name
            return self._names[path]
        candidates = list(self._candidates(path.replace("\\", "/").strip()))
        if not candidates:
            return Barred(0, path, path, FaultKind.OUTSIDE_FOLDER, _LEADS_OUT)
        found = [self._found[at] for at in candidates if at in self._found]
        # Some systems compose letters and accents in names, some do not.
        found += [self._composed[at] for at in map(_composed, candidates) if at in self._composed]
        found.sort(key=lambda entry: isinstance(entry, Barred))
        return found[0] if found else self._barred_above(candidates, path)

    def _candidates(self, path: str) -> Iterator[str]:
        """Yields where the file may be; nothing for a path out of the folder."""
        if not (path.startswith("/") or "://" in path or _DRIVE.match(path)):
            name = posixpath.normpath(path)
            if name != ".." and not name.startswith("../"):
                yield from (f"{folder}/{name}" for folder in self._folders.values())
            return
        whole = _absolute(path)
        for folder in self._folders.values():
            top = f"{_absolute(folder)}/"
            if whole.startswith(top):
                yield f"{folder}/{whole[len(top) :]}"

    @functools.cached_property
    def _composed(self) -> dict[str, AudioFile | Barred]:
        return {_composed(path): entry for path, entry in self._found.items()}

    def _barred_above(self, candidates: Sequence[str], path: str) -> Barred:
        """Returns the fault of a file that was not listed; a link to a folder may be why."""
        for candidate in candidates:
            while (candidate := posixpath.dirname(candidate)) and "/" in candidate.strip("/"):
                above = self._found.get(candidate)
                if isinstance(above, Barred):
                    is_outside = above.kind is FaultKind.OUTSIDE_FOLDER
                    kind = above.kind if is_outside else FaultKind.MISSING_FILE
                    return above._replace(kind=kind, detail=f"{above.path} is {above.detail}")
        return Barred(0, path, path, FaultKind.MISSING_FILE, _NO_SUCH_FILE)


def _absolute(path: str) -> str:
    scheme, separator, rest = path.rpartition("://")
    if separator:
        return f"{scheme}://{posixpath.normpath(rest)}"
    return path if _DRIVE.match(path) else os.path.abspath(path)


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)
