"""Which split a track belongs to: by FMA's own column, or by its artist."""

from __future__ import annotations

import hashlib

OFFICIAL = {"training": "train", "validation": "eval", "test": "test"}

# Shares of the artists in train, eval and test, in percent, as in the article.
_ARTIST_HASH_PERCENT = (("train", 64), ("eval", 16), ("test", 20))


def official_split(value: str) -> str | None:
    """Returns `train`, `eval` or `test` for FMA's `set.split` value, None for any other."""
    return OFFICIAL.get(value)


def artist_hash_split(artist_id: int) -> str:
    """Returns the split of an artist by a digest of its id: the same on every machine and run."""
    digest = hashlib.sha256(f"artist:{artist_id}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    for split, percent in _ARTIST_HASH_PERCENT:
        if place < percent:
            return split
        place -= percent
    raise AssertionError("the shares add up to 100")
