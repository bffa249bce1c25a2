"""What a split is decided by."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip that can be used, before it has a split.

    Attributes:
        track_id: unique.
        genre: its label.
        artist_id: -1 where none is known.
        album_id: -1 where none is known.
        digest: of its decoded audio; empty where it has not been decoded yet.
        split: `train`, `eval` or `test` by the archive itself; empty where it says none.
        span: the delivery that it came with.
        artist: the artist's name, for messages.
    """

    track_id: int
    genre: str
    artist_id: int = -1
    album_id: int = -1
    digest: str = ""
    split: str = ""
    span: int = 0
    artist: str = ""
