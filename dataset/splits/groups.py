"""What stays together: the clips of an artist, of an album and of a recording."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from scipy.cluster.hierarchy import DisjointSet

# ("artist", id), ("album", id) or ("digest", text); ("track", id) for a clip without an artist.
Key = tuple[str, int | str]


@dataclasses.dataclass(frozen=True)
class Clip:
    """What the split of a usable clip depends on.

    Ids of artist and album are -1 where unknown, `digest` (of the decoded audio) is empty before
    the clip is decoded, `split` is empty where the archive has none of its own. `span` is the
    number of the delivery. `artist` is the artist's name, for messages.
    """

    track_id: int
    genre: str
    artist_id: int = -1
    album_id: int = -1
    digest: str = ""
    split: str = ""
    span: int = 0
    artist: str = ""

    @property
    def artist_key(self) -> Key:
        """The artist, or the clip itself where none is known."""
        return ("artist", self.artist_id) if self.artist_id >= 0 else ("track", self.track_id)

    @property
    def keys(self) -> list[Key]:
        """Its artist, album and recording, as far as they are known."""
        found = [self.artist_key, ("album", self.album_id), ("digest", self.digest)]
        return [key for key in found if key[1] not in (-1, "")]


@dataclasses.dataclass(eq=False)
class Group:
    """Keys that go to one split.

    Attributes:
        keys: artists, albums and recordings, connected by clips that have several of them.
        clips: number of clips by genre, without duplicates.
        known_splits: splits of the earlier artists, albums and recordings that it is bound to.
        split: empty until it is placed.
    """

    keys: list[Key] = dataclasses.field(default_factory=list)
    clips: Counter[str] = dataclasses.field(default_factory=Counter)
    known_splits: set[str] = dataclasses.field(default_factory=set)
    split: str = ""

    @functools.cached_property
    def digest(self) -> str:
        """A digest of its first artist, or clip without one, the same on every machine."""
        kind, number = min(key for key in self.keys if key[0] in ("artist", "track"))
        return hashlib.sha256(f"{kind}:{number}".encode()).hexdigest()


def find_groups(
    clips: Iterable[Clip], duplicates: Collection[int], split_of: Mapping[Key, str]
) -> list[Group]:
    """Returns the connected components of the keys that have no split yet.

    Args:
        clips: those of one delivery.
        duplicates: track ids of clips that connect keys, but are not counted.
        split_of: splits of the keys of earlier deliveries. An earlier artist binds all that is new
            about a clip; with a new artist its earlier album and recording do.
    """
    sets = DisjointSet()
    parts = []
    for clip in clips:
        new = [key for key in clip.keys if key not in split_of]
        known = [split_of[key] for key in clip.keys if key in split_of]
        for key in new:
            sets.add(key)
            sets.merge(new[0], key)
        if new:
            parts.append((clip, new[0], known if clip.artist_key in new else known[:1]))
    groups: dict[Key, Group] = defaultdict(Group)
    for key in sets:
        groups[sets[key]].keys.append(key)
    for clip, key, known in parts:
        groups[sets[key]].known_splits.update(known)
        if clip.track_id not in duplicates:
            groups[sets[key]].clips[clip.genre] += 1
    return list(groups.values())
