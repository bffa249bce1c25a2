"""What must not be torn apart: clips that share an artist, an album or their audio."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable

from dataset.splits.clip import Clip

# What binds clips: ("artist", id), ("album", id), ("digest", text), or ("track", id) for a clip
# whose artist nobody knows, which so stands for an artist of its own.
Key = tuple[str, int | str]


@dataclasses.dataclass(eq=False)
class Group:
    """Artists who go to one split together.

    Attributes:
        name: a hex digest of its first artist, the same on every machine and run.
        clips: how many clips of each genre it has, without duplicates.
        split: where it is; empty until it is placed.
    """

    name: str
    clips: Counter[str] = dataclasses.field(default_factory=Counter)
    split: str = ""


def owner(clip: Clip) -> Key:
    """Returns the artist, or the clip itself where none is known."""
    return ("artist", clip.artist_id) if clip.artist_id >= 0 else ("track", clip.track_id)


def keys(clip: Clip) -> list[Key]:
    """Returns everything that binds a clip to others, its owner first."""
    bonds: list[Key] = [owner(clip)]
    if clip.album_id >= 0:
        bonds.append(("album", clip.album_id))
    if clip.digest:
        bonds.append(("digest", clip.digest))
    return bonds


def name_of(members: Iterable[Key]) -> str:
    """Returns the name of a group: of its lowest artist, else of its lowest track."""
    kind, number = min(key for key in members if key[0] in ("artist", "track"))
    return hashlib.sha256(f"{kind}:{number}".encode()).hexdigest()


class Forest:
    """Union-find over keys."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def join(self, bonds: Iterable[Key]) -> None:
        """Puts keys into one set, with all that theirs hold."""
        first: Key | None = None
        for key in bonds:
            root = self.find(key)
            first = first or root
            self._parent[root] = first

    def find(self, key: Key) -> Key:
        """Returns the key that stands for the set of this one, a set of its own if it is new."""
        parent = self._parent
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def sets(self) -> dict[Key, list[Key]]:
        """Returns the members of each set by the key that stands for it."""
        members: dict[Key, list[Key]] = defaultdict(list)
        for key in list(self._parent):
            members[self.find(key)].append(key)
        return members
