"""An archive in FMA's shape: its tables, and files that are called after a track's id."""

from __future__ import annotations

import dataclasses
import posixpath

import numpy as np
import pandas as pd

from common import files
from common.errors import InputError
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import spans
from dataset.catalogue.listing import (
    NOT_IN_SPANS,
    AudioFile,
    Listing,
    one_of_each,
    track_id_of,
)
from dataset.config import DataConfig
from dataset.fma import fma_features, genres, tracks
from dataset.track import ROW_FIELDS, Catalogue, Row, Track

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
    table = tracks.load(files.join(data.metadata_dir, tracks.FILE_NAME))
    rows = _label(tracks.of_subset(table, data.subset), data).sort_index()
    used, faults = _match_files(listing, set(table.index), set(rows.index))
    explained = {track_id_of(entry.path) for entry in listing.barred}
    has_spans, n_elsewhere = spans.parse(data.audio_dir).has_span, 0
    found: list[Track] = []
    for values in rows.reset_index()[ROW_FIELDS].itertuples(index=False, name=None):
        row = Row(*values)
        used_file = used.get(row.track_id)
        name = f"{row.track_id:06d}"
        path = used_file.path if used_file else files.join(data.audio_dir, name[:3], f"{name}.*")
        if not row.genre:
            faults.append(Fault(path, row.track_id, FaultKind.NO_GENRE, _NO_LABEL[data.labels]))
        elif used_file:
            found.append(Track(row, path, span=used_file.span))
        elif row.track_id in explained:
            continue
        elif has_spans:
            n_elsewhere += 1
        else:
            detail = "tracks.csv names the track, but there is no file"
            faults.append(Fault(path, row.track_id, FaultKind.MISSING_FILE, detail))
    left_out = listing.left_out | ({NOT_IN_SPANS: n_elsewhere} if n_elsewhere else {})
    catalogue = Catalogue(found, faults, left_out)
    return _add_features(catalogue, features_path(data)) if data.fma_features else catalogue


def _match_files(
    listing: Listing, known: set[int], in_subset: set[int]
) -> tuple[dict[int, AudioFile], list[Fault]]:
    """Returns the file of each track that has a row, and a fault for every other entry.

    A file of another subset that must not be opened is of no interest.
    """
    by_row: dict[bool, list[AudioFile]] = {True: [], False: []}
    for file in listing.files:
        by_row[track_id_of(file.path) in known].append(file)
    used, faults = one_of_each(by_row[True], lambda file: track_id_of(file.path))
    for file in by_row[False]:
        detail = f"no row in {tracks.FILE_NAME}"
        faults.append(Fault(file.path, track_id_of(file.path), FaultKind.NO_METADATA, detail))
    barred = [entry.fault(track_id_of(entry.path)) for entry in listing.barred]
    return used, faults + [f for f in barred if f.track_id in in_subset or f.track_id not in known]


def features_path(data: DataConfig) -> str:
    """Returns the path of the table of FMA's features."""
    return files.join(data.metadata_dir, fma_features.FILE_NAME)


def require_tables(data: DataConfig) -> list[str]:
    """Returns the paths of the tables that say which tracks there are and what they are.

    Raises:
        InputError: where the folder, one of them or the table of FMA's features is missing.
    """
    if not files.folder_exists(data.metadata_dir):
        raise InputError(f"the metadata folder {data.metadata_dir} does not exist")
    names = [tracks.FILE_NAME, *([genres.FILE_NAME] if data.labels == _TREE else [])]
    for name in [*names, *([fma_features.FILE_NAME] if data.fma_features else [])]:
        if not files.exists(files.join(data.metadata_dir, name)):
            advice = _a_level_off(data.metadata_dir.rstrip("/"), name)
            raise InputError(f"there is no {name} in {data.metadata_dir}{advice}")
    return [files.join(data.metadata_dir, name) for name in names]


def _a_level_below(data: DataConfig) -> str:
    """Returns the advice to take the subset's folder in the audio folder, if it is there."""
    folder = files.join(data.audio_dir, f"fma_{data.subset}")
    return f": use --audio-dir {folder}" if files.folder_exists(folder) else ""


def _a_level_off(metadata_dir: str, name: str) -> str:
    """Returns the advice to take the folder above or below that has a table, if one has."""
    for folder in (files.join(metadata_dir, "fma_metadata"), posixpath.dirname(metadata_dir)):
        if folder and files.exists(files.join(folder, name)):
            return f", but in {folder}: use --metadata-dir {folder}"
    return ""


def _label(rows: pd.DataFrame, data: DataConfig) -> pd.DataFrame:
    """Returns the rows with the genre that `labels` gives them, empty where it gives none.

    `tree` gives a row without a top genre the root in the tree of genres that all of its genres
    have in common, if there is one.

    Raises:
        InputError: where `tree` has no track's genres, or one that is not in the tree.
    """
    if data.labels != _TREE:
        return rows
    tree = genres.load_top_titles(files.join(data.metadata_dir, genres.FILE_NAME))
    if len(rows) and not rows["genre_ids"].any():
        raise InputError(
            "labels from the tree of genres need the column track.genres of tracks.csv, "
            "which is missing or empty"
        )
    labels = dict(rows["genre"].items())
    for track_id, genre_ids in rows.loc[rows["genre"] == "", "genre_ids"].items():
        if unknown := [genre_id for genre_id in genre_ids if genre_id not in tree]:
            raise InputError(
                f"track.genres of track {track_id}: {genres.FILE_NAME} has no genre {unknown[0]}"
            )
        tops = {tree[genre_id] for genre_id in genre_ids}
        labels[track_id] = tops.pop() if len(tops) == 1 else ""
    return rows.assign(genre=list(labels.values()))


def _add_features(catalogue: Catalogue, path: str) -> Catalogue:
    """Returns the tracks with their rows of `features.csv`, without those that have none.

    Raises:
        InputError: where the table is missing, not FMA's or of other tracks.
    """
    values = fma_features.load(path, [track.row.track_id for track in catalogue.tracks])
    if catalogue.tracks and not values:
        raise InputError(f"{path} has no row for any of the {len(catalogue.tracks)} tracks")
    found, faults = [], list(catalogue.faults)
    for track in catalogue.tracks:
        row = values.pop(track.row.track_id, None)
        if row is not None and np.isfinite(row).all():
            found.append(dataclasses.replace(track, fma_features=row.astype("<f4").tobytes()))
            continue
        detail = f"no row in {fma_features.FILE_NAME}"
        if row is not None:
            first = fma_features.COLUMNS[int(np.argmin(np.isfinite(row)))]
            detail = f"{first} is missing or not finite in {fma_features.FILE_NAME}"
        faults.append(Fault(track.path, track.row.track_id, FaultKind.NO_FEATURES, detail))
    return dataclasses.replace(catalogue, tracks=found, faults=faults)
