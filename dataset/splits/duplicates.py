"""Clips whose audio is the same to the last sample: one is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dataset.splits.clip import Clip


def find_duplicates(
    clips: Iterable[Clip], rank: Callable[[Clip], tuple[int, ...]]
) -> dict[int, int]:
    """Returns the track ids that are left out, each with the one that is kept in its place.

    Clips that are not decoded yet sound like none.

    Args:
        clips: with the digests of their audio.
        rank: of those that sound alike the one with the lowest rank is kept; unique.
    """
    kept: dict[str, int] = {}
    duplicates = {}
    for clip in sorted(clips, key=rank):
        if clip.digest and kept.setdefault(clip.digest, clip.track_id) != clip.track_id:
            duplicates[clip.track_id] = kept[clip.digest]
    return dict(sorted(duplicates.items()))
