"""What an archive holds, whichever kind it is: its rows, and the tracks to read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from dataset.bad_files import Fault


@dataclasses.dataclass(frozen=True)
class Row:
    """What is known of a track.

    Attributes:
        track_id: unique in the archive.
        artist_id: equal for tracks of one artist, -1 where none is named.
        album_id: equal for tracks of one album, -1 where none is named.
        genre: its label, as `identity.printable` returns it; empty where it has none.
        title: as the archive writes it.
        license: as the archive writes it.
        split: `train`, `eval` or `test` where the archive has splits of its own, else empty.
        year: of the release or the recording, -1 where neither is known.
        artist: the artist's name, for messages and the report; empty where none is named.
    """

    track_id: int
    artist_id: int = -1
    album_id: int = -1
    genre: str = ""
    title: str = ""
    license: str = ""
    split: str = ""
    year: int = -1
    artist: str = ""


ROW_FIELDS = [field.name for field in dataclasses.fields(Row)]


@dataclasses.dataclass(frozen=True)
class Track:
    """A track to read: its row and where its audio is.

    `fma_features` is its packed row of `features.csv`, no bytes where the run does without; `span`
    is the delivery that its audio came with, 0 where there are no spans.
    """

    row: Row
    path: str
    fma_features: bytes = b""
    span: int = 0


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The tracks to read, by track id, and what is known before any file is opened.

    Attributes:
        tracks: to read, sorted by track id.
        faults: rows and files that cannot be used.
        left_out: how many tracks each filter has left out, by what it is called.
        has_splits: whether the archive's own splits can be used.
        where: what to call the archive in a message.
        hint: what to add to an error where clips are lacking.
    """

    tracks: list[Track]
    faults: list[Fault]
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    has_splits: bool = False
    where: str = ""
    hint: str = ""
