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
from dataset.catalogue.listing import AudioFile, Listing, one_of_each
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
    _refuse_fma(in_folders, data.audio_dir)
    used, faults = one_of_each(in_folders, lambda file: identity.track_id(file.name))
    _refuse_collisions(in_folders, used)
    faults += [
        Fault(file.path, -1, FaultKind.NO_GENRE, "the file is not in the folder of a genre")
        for file in listing.files
        if "/" not in file.name
    ]
    faults += [entry.fault(identity.track_id(entry.name)) for entry in listing.barred]
    tracks = [Track(row_of(file.name), file.path, span=file.span) for file in used.values()]
    faults += [
        Fault(track.path, track.row.track_id, FaultKind.NO_GENRE, "its folder's name is blank")
        for track in tracks
        if not track.row.genre
    ]
    tracks = [track for track in tracks if track.row.genre]
    hint = _a_level_below(in_folders, data.audio_dir)
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


def _a_level_below(found: list[AudioFile], audio_dir: str) -> str:
    """Returns the advice to take the only folder, if folders in it may be the genres."""
    folders = [file.name.split("/")[:-1] for file in found]
    if len({top for top, *_ in folders}) > 1 or not any(below for _, *below in folders):
        return ""
    top = folders[0][0]
    return f"; if the folders in {top} are the genres, use --audio-dir {files.join(audio_dir, top)}"


def _refuse_fma(found: list[AudioFile], audio_dir: str) -> None:
    """Raises InputError where 000, 001 and so on would be taken for genres."""
    in_prefix_folder = re.compile(r"[0-9]{3}/.*", re.DOTALL)
    if all(in_prefix_folder.fullmatch(file.name) for file in found):
        folder = found[0].name[:3]
        raise InputError(
            f"the folders in {audio_dir} are no genres but FMA's, like {folder}; say where "
            "tracks.csv is by --metadata-dir"
        )


def _refuse_collisions(found: list[AudioFile], used: dict[int, AudioFile]) -> None:
    for file in found:
        other = used[identity.track_id(file.name)]
        if other.name != file.name:
            raise InputError(identity.collision(other.path, file.path))
