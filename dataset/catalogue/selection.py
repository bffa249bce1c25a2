"""Which of the tracks that could be read are wanted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from common.errors import InputError
from dataset import identity
from dataset.catalogue import licenses
from dataset.config import DataConfig
from dataset.track import Track

_Filter = Callable[[list[Track]], list[Track]]


def select(tracks: Sequence[Track], data: DataConfig) -> tuple[list[Track], dict[str, int]]:
    """Returns the tracks that are wanted, by track id, and how many each filter has left out.

    The filters, in this order: the licences and the genres that are allowed, the fewest and the
    most clips a genre. What is drawn of a large genre depends on the seed and the track ids alone,
    and a larger draw includes a smaller one.

    Args:
        tracks: in any order.
        data: what is wanted.

    Raises:
        InputError: where no track has one of the licences or genres that are allowed.
    """
    # Labels are normalised, so the wanted genres have to be, too.
    data = dataclasses.replace(data, genres=tuple(map(identity.printable, data.genres)))
    if tracks:
        _require_genres(tracks, data.genres)
        licenses.require_present(data.licenses, (track.row.license for track in tracks))
    kept = sorted(tracks, key=lambda track: track.row.track_id)
    left_out: dict[str, int] = {}
    for reason, chosen in _filters(data).items():
        before, kept = len(kept), chosen(kept)
        if len(kept) < before:
            left_out[reason] = before - len(kept)
    return kept, left_out


def _filters(data: DataConfig) -> dict[str, _Filter]:
    """Returns the filters, in their order, by what to call those that they leave out."""
    fewest, most = data.min_clips_per_genre, data.max_clips_per_genre
    return {
        "license not allowed": lambda tracks: _licensed(tracks, data.licenses),
        "genre not allowed": lambda tracks: _of_genres(tracks, data.genres),
        f"fewer than {fewest} clips a genre": lambda tracks: _at_least(tracks, fewest),
        f"more than {most} clips a genre": lambda tracks: _at_most(tracks, most, data.seed),
    }


def _require_genres(tracks: Sequence[Track], genres: Sequence[str]) -> None:
    there = sorted({track.row.genre for track in tracks})
    for genre in genres:
        if genre not in there:
            names = ", ".join(map(repr, there))
            raise InputError(f"no track is of the genre {genre!r}; there are {names}")


def _licensed(tracks: list[Track], allowed: tuple[str, ...]) -> list[Track]:
    return [track for track in tracks if licenses.allows(track.row.license, allowed)]


def _of_genres(tracks: list[Track], genres: Sequence[str]) -> list[Track]:
    return [track for track in tracks if not genres or track.row.genre in genres]


def _at_least(tracks: list[Track], fewest: int) -> list[Track]:
    clips = Counter(track.row.genre for track in tracks)
    return [track for track in tracks if clips[track.row.genre] >= fewest]


def _at_most(tracks: list[Track], most: int, seed: int) -> list[Track]:
    if not most:
        return tracks
    by_genre: dict[str, list[tuple[int, bytes, int]]] = defaultdict(list)
    for track in tracks:
        track_id = track.row.track_id
        # By span first: what an earlier delivery gave stays drawn, and so its artists in place.
        by_genre[track.row.genre].append((track.span, _lot(seed, track_id), track_id))
    drawn: set[int] = set()
    for lots in by_genre.values():
        drawn.update(track_id for *_, track_id in sorted(lots)[:most])
    return [track for track in tracks if track.row.track_id in drawn]


def _lot(seed: int, track_id: int) -> bytes:
    """Returns what a track draws: the same on every machine and run, unlike `hash()`."""
    return hashlib.sha256(f"draw:{seed}:{track_id}".encode()).digest()
