"""What is to be read for a configuration: of any kind of archive, the tracks that are wanted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from common.errors import InputError
from dataset import identity
from dataset.catalogue import fma, genre_folders, licenses, own_table
from dataset.catalogue.listing import Listing, list_audio
from dataset.config import DataConfig
from dataset.track import Catalogue, Track


def plan_ingest(data: DataConfig, listing: Listing | None = None) -> Catalogue:
    """Returns the tracks to read, by track id, and what is known before any file is opened.

    Args:
        data: which archive, and which part of it.
        listing: its audio files, listed here where they are not given.

    Raises:
        InputError: where a folder or table is missing, a table is not as it should be, or nothing
            is left to read.
    """
    listing = list_audio(data) if listing is None else listing
    kind = fma if data.metadata_dir else own_table if data.tracks_csv else genre_folders
    catalogue = kind.read_archive(data, listing)
    if not catalogue.tracks:
        kinds = Counter(fault.kind.value for fault in catalogue.faults)
        raise InputError(
            f"there is no usable audio in {data.audio_dir}{_tally(kinds)}{listing.unread}"
        )
    tracks, left_out = select(catalogue.tracks, data)
    left_out = {**catalogue.left_out, **left_out}
    if not tracks:
        raise InputError(f"no track of {data.audio_dir} is left to read{_tally(left_out)}")
    return dataclasses.replace(
        catalogue,
        tracks=tracks,
        faults=sorted(catalogue.faults),
        left_out=left_out,
        has_splits=any(track.row.split for track in tracks),
        where=data.audio_dir,
        hint=f"{catalogue.hint}{listing.unread}",
    )


def select(tracks: Sequence[Track], data: DataConfig) -> tuple[list[Track], dict[str, int]]:
    """Returns the tracks that are wanted, by track id, and how many each filter has left out.

    The filters, in this order: the licences and the genres that are allowed, the fewest and the
    most clips a genre. What is drawn of a large genre depends on the seed and the track ids alone,
    and a larger draw includes a smaller one.

    Raises:
        InputError: where no track has one of the licences or genres that are allowed.
    """
    genres = [identity.printable(genre) for genre in data.genres]  # as labels are
    there = sorted({track.row.genre for track in tracks})
    for genre in genres:
        if genre not in there:
            names = ", ".join(map(repr, there))
            raise InputError(f"no track is of the genre {genre!r}; there are {names}")
    licenses.require_present(data.licenses, (track.row.license for track in tracks))
    kept = sorted(tracks, key=lambda track: track.row.track_id)
    left_out: dict[str, int] = {}
    fewest, most = data.min_clips_per_genre, data.max_clips_per_genre
    filters: dict[str, Callable[[list[Track]], list[Track]]] = {
        "license not allowed": lambda some: [
            track for track in some if licenses.allows(track.row.license, data.licenses)
        ],
        "genre not allowed": lambda some: [
            track for track in some if not genres or track.row.genre in genres
        ],
        f"fewer than {fewest} clips a genre": lambda some: _of_large_genres(some, fewest),
        f"more than {most} clips a genre": lambda some: _draw(some, most, data.seed),
    }
    for reason, choose in filters.items():
        chosen = choose(kept)
        if len(chosen) < len(kept):
            left_out[reason] = len(kept) - len(chosen)
        kept = chosen
    return kept, left_out


def _of_large_genres(tracks: list[Track], fewest: int) -> list[Track]:
    clips = Counter(track.row.genre for track in tracks)
    return [track for track in tracks if clips[track.row.genre] >= fewest]


def _draw(tracks: list[Track], most: int, seed: int) -> list[Track]:
    """Returns at most so many tracks of each genre, all for 0."""
    lots = defaultdict(list)
    for track in tracks:
        # The same on every machine and run, unlike hash().
        lot = hashlib.sha256(f"draw:{seed}:{track.row.track_id}".encode()).digest()
        # By span first: what an earlier delivery gave stays drawn, and so its artists in place.
        lots[track.row.genre].append((track.span, lot, track.row.track_id))
    drawn = {track_id for lot in lots.values() for *_, track_id in sorted(lot)[: most or None]}
    return [track for track in tracks if track.row.track_id in drawn]


def _tally(counts: Mapping[str, int]) -> str:
    """Returns the reasons and how many tracks each has: `: 2 missing_file, 1 no_genre`."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f": {reasons}" if reasons else ""
