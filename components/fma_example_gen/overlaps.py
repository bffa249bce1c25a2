"""What is in more than one split, though nothing should be: artists, and the very same audio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any


def find_overlaps(clips: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Returns what flatters every figure, in an order that does not depend on that of the clips.

    Args:
        clips: of each clip `split`, `track_id`, `artist_id` (-1 where it has none) and `digest`, a
            digest of its audio.

    Returns:
        `artists`: ids of artists with clips in more than one split; `audio`: lists of ids of tracks
        whose audio is the same to the last sample, in more than one split.
    """
    by_artist: dict[int, set[str]] = defaultdict(set)
    by_digest: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for clip in clips:
        if clip["artist_id"] >= 0:
            by_artist[clip["artist_id"]].add(clip["split"])
        by_digest[clip["digest"]].append((clip["track_id"], clip["split"]))
    same_audio = (
        sorted(track_id for track_id, _ in alike)
        for alike in by_digest.values()
        if len({split for _, split in alike}) > 1
    )
    return {
        "artists": sorted(artist for artist, splits in by_artist.items() if len(splits) > 1),
        "audio": sorted(same_audio),
    }
