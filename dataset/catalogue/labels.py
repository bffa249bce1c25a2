"""Which label a track has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from common.errors import InputError
from dataset.fma.genres import Genres
from dataset.track import Row


def label_rows(rows: Mapping[int, Row], policy: str, genres: Genres | None) -> dict[int, Row]:
    """Returns the rows with the labels of a policy.

    Args:
        rows: by track id; their labels are FMA's `genre_top`.
        policy: `genre_top` keeps the labels. `tree` gives a row that has none the root in the tree
            of genres that all of its genres have in common, if there is one.
        genres: the tree, which only `tree` needs.

    Raises:
        InputError: where `tree` has no tree, no track's genres, or one that is not in the tree.
    """
    if policy == "genre_top":
        return dict(rows)
    if genres is None:
        raise InputError("labels from the tree of genres need a genres.csv beside tracks.csv")
    if rows and not any(row.genre_ids for row in rows.values()):
        raise InputError(
            "labels from the tree of genres need the column track.genres of tracks.csv, "
            "which is missing or empty"
        )
    return {
        track_id: row if row.genre else dataclasses.replace(row, genre=_root_title(row, genres))
        for track_id, row in rows.items()
    }


def _root_title(row: Row, genres: Genres) -> str:
    """Returns the title of the one root of a track's genres, empty where there is not just one."""
    try:
        roots = {genres.root_of(genre_id) for genre_id in row.genre_ids}
    except InputError as error:
        raise InputError(f"track.genres of track {row.track_id}: {error}") from error
    return genres.title_of(roots.pop()) if len(roots) == 1 else ""
