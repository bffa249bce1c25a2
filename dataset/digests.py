"""What stands for an archive's content in the cache key."""

from __future__ import annotations

import dataclasses

from common import files
from common.errors import InputError
from dataset.catalogue import fma, own_table
from dataset.catalogue.listing import Listing, list_audio
from dataset.config import DataConfig


def with_digests(data: DataConfig, listing: Listing | None = None) -> DataConfig:
    """Returns the configuration with the digests of the files that it names, as they are now.

    Args:
        data: which archive, and which part of it.
        listing: its audio files, listed here where they are not given.

    Raises:
        InputError: where a folder or a table is missing.
    """
    listing = list_audio(data) if listing is None else listing
    tables = [files.digest(path) for path in _tables(data)]
    features = fma.features_path(data)
    return dataclasses.replace(
        data,
        metadata_digest=" ".join(tables),
        fma_features_digest=files.digest(features) if data.fma_features else "",
        audio_digest=listing.fingerprint,
        audio_files=len(listing.files),
    )


def require_unchanged(data: DataConfig, listing: Listing) -> None:
    """Makes sure that an archive is still the one whose digests the configuration has, if any.

    Else the cache would keep what is read now under the digests of what was there before.

    Args:
        data: which archive, and which part of it.
        listing: its audio files.

    Raises:
        InputError: naming the folder or the table that has changed.
    """
    now = with_digests(data, listing)
    places = {
        "audio_digest": data.audio_dir,
        "metadata_digest": data.metadata_dir or data.tracks_csv,
        "fma_features_digest": fma.features_path(data),
    }
    for key, place in places.items():
        if getattr(data, key) not in ("", getattr(now, key)):
            raise InputError(f"{place} has changed since the run began; run the same command again")


def _tables(data: DataConfig) -> list[str]:
    """Returns the paths of the tables that are read; a folder per genre has none."""
    if data.metadata_dir:
        return fma.require_tables(data)
    return [own_table.require_table(data)] if data.tracks_csv else []
