"""An archive without a table: a folder for each genre.

A folder within a genre's folder is an artist, one within that an album, and what is deeper says
nothing: `Rock/song.mp3`, `Rock/The Band/song.mp3`, `Rock/The Band/Album/CD 1/song.mp3`.
"""

from __future__ import annotations

import re

from common import files
from common.errors import InputError
from dataset import identity
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue.listing import Listing, one_of_each
from dataset.config import DataConfig
from dataset.track import Catalogue, Row, Track


def read_archive(data: DataConfig, listing: Listing) -> Catalogue:
    """Returns a track for each file in the folder of a genre.

    A name stands for one track in all spans: the file of the first is used.

    Raises:
        InputError: where there is no such file, or the folders are FMA's.
    """
    in_folders = [file for file in listing.files if "/" in file.name]
    if not in_folders:
        raise InputError(
            f"the audio folder {data.audio_dir} holds no folders of genres, with files like "
            f"Rock/song.mp3{listing.unread}"
        )
    if all(re.match("[0-9]{3}/", file.name) for file in in_folders):
        raise InputError(
            f"the folders in {data.audio_dir} are no genres but FMA's, like "
            f"{in_folders[0].name[:3]}; say where tracks.csv is by --metadata-dir"
        )
    used, faults = one_of_each(in_folders, lambda file: identity.track_id(file.name))
    faults += [
        Fault(file.path, -1, FaultKind.NO_GENRE, "the file is not in the folder of a genre")
        for file in listing.files
        if "/" not in file.name
    ]
    faults += [entry.fault(identity.track_id(entry.name)) for entry in listing.barred]
    tracks = []
    for track_id, file in used.items():
        row = row_of(file.name)
        if row.genre:
            tracks.append(Track(row, file.path, span=file.span))
        else:
            detail = "its folder's name is blank"
            faults.append(Fault(file.path, track_id, FaultKind.NO_GENRE, detail))
    hint = _a_level_below([file.name for file in in_folders], data.audio_dir)
    return Catalogue(tracks, faults, listing.left_out, hint=hint)


def row_of(name: str) -> Row:
    """Returns what the path of a file below the audio folder says of it."""
    *folders, last = name.split("/")
    genre, artist, album = (*map(identity.printable, folders[:3]), "", "", "")[:3]
    return Row(
        track_id=identity.track_id(name),
        artist_id=identity.artist_id(artist),
        album_id=identity.album_id(album, artist),
        genre=genre,
        title=identity.printable(last.rpartition(".")[0] or last),
        artist=artist,
    )


def _a_level_below(names: list[str], audio_dir: str) -> str:
    """Returns the advice to take the only folder, if folders in it may be the genres."""
    top = names[0].partition("/")[0]
    if any(not name.startswith(f"{top}/") for name in names):
        return ""
    if all(name.count("/") == 1 for name in names):
        return ""
    return f"; if the folders in {top} are the genres, use --audio-dir {files.join(audio_dir, top)}"
