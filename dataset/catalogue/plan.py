"""What is to be read for a configuration, whichever kind of archive it names."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from common.errors import InputError
from dataset.catalogue import fma, genre_folders, own_table
from dataset.catalogue.listing import Listing, list_audio
from dataset.catalogue.selection import select
from dataset.config import DataConfig
from dataset.track import Catalogue


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
    catalogue = _read_archive(data, listing)
    if not catalogue.tracks:
        kinds = Counter(fault.kind.value for fault in catalogue.faults)
        raise InputError(
            f"there is no usable audio in {data.audio_dir}{_tally(kinds)}{listing.unread}"
        )
    tracks, left_out = select(catalogue.tracks, data)
    left_out = {**catalogue.left_out, **left_out}
    if not tracks:
        raise InputError(f"no track of {data.audio_dir} is left to read{_tally(left_out)}")
    tracks = sorted(tracks, key=lambda track: track.row.track_id)
    return dataclasses.replace(
        catalogue,
        tracks=tracks,
        faults=sorted(catalogue.faults),
        left_out=left_out,
        has_splits=any(track.row.split for track in tracks),
        where=data.audio_dir,
        hint=f"{catalogue.hint}{listing.unread}",
    )


def _read_archive(data: DataConfig, listing: Listing) -> Catalogue:
    if data.metadata_dir:
        return fma.read_archive(data, listing)
    if data.tracks_csv:
        return own_table.read_archive(data, listing)
    return genre_folders.read_archive(data, listing)


def _tally(counts: Mapping[str, int]) -> str:
    """Returns the reasons and how many tracks each has: `: 2 missing_file, 1 no_genre`."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()) if count)
    return f": {reasons}" if reasons else ""
