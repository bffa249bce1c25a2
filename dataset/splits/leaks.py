"""Artists and recordings that are in more than one split."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from dataset.config import SPLITS
from dataset.splits.groups import Clip
from dataset.splits.wording import listed, plural


@dataclasses.dataclass(frozen=True)
class Leaks:
    """Ids of artists, and of the tracks of each recording, in more than one split."""

    artists: list[int] = dataclasses.field(default_factory=list)
    audio: list[list[int]] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.artists or self.audio)


def find_leaks(clips: Iterable[Clip]) -> Leaks:
    """Returns what is in more than one split; unknown artists and audio are equal to no other."""
    by_artist: dict[int, set[str]] = defaultdict(set)
    by_digest: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.artist_id >= 0:
            by_artist[clip.artist_id].add(clip.split)
        if clip.digest:
            by_digest[clip.digest].append(clip)
    copies = [found for found in by_digest.values() if len({clip.split for clip in found}) > 1]
    return Leaks(
        artists=sorted(artist for artist, splits in by_artist.items() if len(splits) > 1),
        audio=sorted(sorted(clip.track_id for clip in found) for found in copies),
    )


def describe(leaks: Leaks, clips: Sequence[Clip]) -> str:
    """Returns leaks in a line; `clips` is what they were found in."""
    names = {clip.artist_id: f"{clip.artist!r}, " for clip in clips if clip.artist}
    n_clips = Counter((clip.artist_id, clip.split) for clip in clips)
    artists = []
    for artist in leaks.artists:
        counts = [f"{n_clips[artist, s]} {s}" for s in SPLITS if n_clips[artist, s]]
        artists.append(f"{names.get(artist, '')}artist {artist}: {', '.join(counts)}")
    recordings = [f"tracks {listed(map(str, tracks))}" for tracks in leaks.audio]
    return " and ".join(
        f"{plural(len(found), noun)} ({listed(found, '; ')})"
        for noun, found in (("artist", artists), ("recording", recordings))
        if found
    )
