"""An archive in FMA's shape: its tables, and files that are called after a track's id."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Mapping

import numpy as np

from common import files
from common.errors import InputError
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import spans
from dataset.catalogue.labels import label_rows
from dataset.catalogue.listing import (
    NOT_IN_SPANS,
    AudioFile,
    Listing,
    list_audio,
    one_of_each,
    track_id_of,
)
from dataset.config import DataConfig
from dataset.fma import fma_features, genres, tracks
from dataset.track import Catalogue, Row, Track

TRACKS_NAME = "tracks.csv"
GENRES_NAME = "genres.csv"
_TREE = "tree"
_NO_LABEL = {
    "genre_top": "genre_top is empty",
    _TREE: "its genres do not lead to one top genre of genres.csv",
}


def read_archive(data: DataConfig, listing: Listing) -> Catalogue:
    """Returns the tracks of the subset that have a row, a label and a file, and all that lack one.

    Raises:
        InputError: where a folder or table is missing, a table is not FMA's, or there is no file.
    """
    if all(track_id_of(file.path) < 0 for file in listing.files):
        raise InputError(
            f"the audio folder {data.audio_dir} holds no files like 000/000002.mp3"
            f"{_a_level_below(data)}{listing.unread}"
        )
    require_tables(data)
    rows = tracks.load(files.join(data.metadata_dir, TRACKS_NAME))
    file_of, faults = _files_by_track(listing, rows)
    in_subset = {key: row for key, row in rows.items() if tracks.in_subset(row, data.subset)}
    barred = [entry.fault(track_id_of(entry.path)) for entry in listing.barred]
    faults += [f for f in barred if f.track_id in in_subset or f.track_id not in rows]
    explained = {fault.track_id for fault in barred}
    has_spans, n_elsewhere = spans.parse(data.audio_dir).has_span, 0
    found: list[Track] = []
    for track_id, row in sorted(_label(in_subset, data).items()):
        file = file_of.get(track_id)
        path = file.path if file else _expected_path(data.audio_dir, track_id)
        if not row.genre:
            faults.append(Fault(path, track_id, FaultKind.NO_GENRE, _NO_LABEL[data.labels]))
        elif file:
            found.append(Track(row, path, span=file.span))
        elif track_id in explained:
            continue
        elif has_spans:
            n_elsewhere += 1
        else:
            detail = "tracks.csv names the track, but there is no file"
            faults.append(Fault(path, track_id, FaultKind.MISSING_FILE, detail))
    left_out = listing.left_out | ({NOT_IN_SPANS: n_elsewhere} if n_elsewhere else {})
    catalogue = Catalogue(found, faults, left_out)
    return _add_features(catalogue, data.metadata_dir) if data.fma_features else catalogue


def table_paths(data: DataConfig) -> list[str]:
    """Returns the paths of the tables that say which tracks there are and what they are."""
    names = [TRACKS_NAME, GENRES_NAME] if data.labels == _TREE else [TRACKS_NAME]
    return [files.join(data.metadata_dir, name) for name in names]


def require_tables(data: DataConfig) -> None:
    """Makes sure that the tables are there.

    Raises:
        InputError: naming the folder or the table that is missing.
    """
    if not files.folder_exists(data.metadata_dir):
        raise InputError(f"the metadata folder {data.metadata_dir} does not exist")
    names = [fma_features.FILE_NAME] if data.fma_features else []
    for path in [*table_paths(data), *(files.join(data.metadata_dir, name) for name in names)]:
        if not files.exists(path):
            name = posixpath.basename(path)
            advice = _a_level_off(data.metadata_dir.rstrip("/"), name)
            raise InputError(f"there is no {name} in {data.metadata_dir}{advice}")


def _a_level_below(data: DataConfig) -> str:
    """Returns the advice to take a folder in the audio folder that has FMA's shape, if one has."""
    shape = re.compile(r"([^/]+)/[0-9]{3}/[0-9]{6}\.\w+")
    deeper = list_audio(data, fma_levels=3).files
    fitting = {found[1] for file in deeper if (found := shape.fullmatch(file.name))}
    if not fitting:
        return ""
    of_subset = f"fma_{data.subset}"
    folder = of_subset if of_subset in fitting else min(fitting)
    return f", but its folder {folder} does: use --audio-dir {files.join(data.audio_dir, folder)}"


def _a_level_off(metadata_dir: str, name: str) -> str:
    """Returns the advice to take the folder above or below that has a table, if one has."""
    for folder in (files.join(metadata_dir, "fma_metadata"), posixpath.dirname(metadata_dir)):
        if folder and files.exists(files.join(folder, name)):
            return f", but in {folder}: use --metadata-dir {folder}"
    return ""


def _files_by_track(
    listing: Listing, rows: Mapping[int, Row]
) -> tuple[dict[int, AudioFile], list[Fault]]:
    """Returns the file of each track that has a row, and the files that are not used."""
    known = [file for file in listing.files if track_id_of(file.path) in rows]
    used, faults = one_of_each(known, lambda file: track_id_of(file.path))
    for file in listing.files:
        track_id = track_id_of(file.path)
        if track_id not in rows:
            detail = "no row in tracks.csv"
            faults.append(Fault(file.path, track_id, FaultKind.NO_METADATA, detail))
    return used, faults


def _label(rows: Mapping[int, Row], data: DataConfig) -> dict[int, Row]:
    """Returns the rows with the genre that `labels` gives them, empty where it gives none."""
    path = files.join(data.metadata_dir, GENRES_NAME)
    tree = genres.load(path) if data.labels == _TREE else None
    return label_rows(rows, data.labels, tree)


def _add_features(catalogue: Catalogue, metadata_dir: str) -> Catalogue:
    """Returns the tracks with their rows of `features.csv`, without those that have none.

    Raises:
        InputError: where the table is missing, not FMA's or of other tracks.
    """
    values = fma_features.load(metadata_dir, [track.row.track_id for track in catalogue.tracks])
    if catalogue.tracks and not values:
        raise InputError(
            f"{files.join(metadata_dir, fma_features.FILE_NAME)} has no row for any of the "
            f"{len(catalogue.tracks)} tracks"
        )
    found, faults = [], list(catalogue.faults)
    for track in catalogue.tracks:
        row = values.pop(track.row.track_id, None)
        if row is not None and np.isfinite(row).all():
            found.append(dataclasses.replace(track, fma_features=fma_features.pack(row)))
            continue
        if row is None:
            detail = f"no row in {fma_features.FILE_NAME}"
        else:
            first = fma_features.COLUMNS[int(np.argmin(np.isfinite(row)))]
            detail = f"{'.'.join(first)} is missing or not finite in {fma_features.FILE_NAME}"
        faults.append(Fault(track.path, track.row.track_id, FaultKind.NO_FEATURES, detail))
    return dataclasses.replace(catalogue, tracks=found, faults=faults)


def _expected_path(audio_dir: str, track_id: int) -> str:
    name = f"{track_id:06d}"
    return files.join(audio_dir, name[:3], f"{name}.*")
