"""What is in more than one split, though nothing should be: artists, and the very same audio."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable

from dataset.config import SPLITS
from dataset.splits.clip import Clip
from dataset.splits.wording import plural, some


@dataclasses.dataclass(frozen=True)
class Leaks:
    """What flatters every figure; false where nothing does.

    Attributes:
        artists: ids of artists with clips in more than one split.
        audio: lists of ids of tracks whose audio is the same to the last sample, in more than one
            split.
    """

    artists: list[int] = dataclasses.field(default_factory=list)
    audio: list[list[int]] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.artists or self.audio)

    def to_json(self) -> dict[str, list[int] | list[list[int]]]:
        """Returns both lists by their names."""
        return {"artists": self.artists, "audio": self.audio}


def find_leaks(clips: Iterable[Clip]) -> Leaks:
    """Returns what is in two splits, in an order that does not depend on that of the clips.

    Clips without an artist are bound to nobody, and those that are not decoded yet sound like none.
    """
    by_artist: dict[int, set[str]] = defaultdict(set)
    by_digest: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.artist_id >= 0:
            by_artist[clip.artist_id].add(clip.split)
        if clip.digest:
            by_digest[clip.digest].append(clip)
    same_audio = (
        sorted(clip.track_id for clip in alike)
        for alike in by_digest.values()
        if len({clip.split for clip in alike}) > 1
    )
    return Leaks(
        artists=sorted(artist for artist, splits in by_artist.items() if len(splits) > 1),
        audio=sorted(same_audio),
    )


def describe(leaks: Leaks, clips: Iterable[Clip]) -> str:
    """Returns who and what leaks, in a line.

    Args:
        leaks: what `find_leaks` found, something at least.
        clips: what it was found in.
    """
    parts = []
    if leaks.artists:
        counts: dict[int, Counter[str]] = {artist: Counter() for artist in leaks.artists}
        names: dict[int, str] = {}
        for clip in sorted(clips, key=lambda clip: clip.track_id):
            if clip.artist_id in counts:
                counts[clip.artist_id][clip.split] += 1
                names[clip.artist_id] = names.get(clip.artist_id) or clip.artist
        artists = [_artist(artist, names[artist], counts[artist]) for artist in leaks.artists]
        parts.append(f"{plural(len(artists), 'artist')} ({some(artists, '; ')})")
    if leaks.audio:
        alike = [f"tracks {some(map(str, tracks))}" for tracks in leaks.audio]
        parts.append(f"{plural(len(alike), 'recording')} ({some(alike, '; ')})")
    return " and ".join(parts)


def _artist(artist_id: int, name: str, counts: Counter[str]) -> str:
    within = ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
    return f"{name!r}, artist {artist_id}: {within}" if name else f"artist {artist_id}: {within}"
