"""A folder for each genre: what the folders say of a track."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from common.errors import InputError
from dataset import identity
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import genre_folders
from dataset.catalogue.listing import list_audio
from dataset.config import DataConfig
from dataset.track import Catalogue, Row

Fill = Callable[[Mapping[str, bytes]], str]


def read(audio_dir: str, *, follow_links: bool = False) -> Catalogue:
    """Return what is in a folder per genre."""
    data = DataConfig(audio_dir, follow_links=follow_links)
    return genre_folders.read_archive(data, list_audio(data))


@pytest.mark.parametrize(
    ("name", "genre", "artist", "album", "title"),
    [
        ("Rock/song.mp3", "Rock", "", "", "song"),
        ("Rock/song", "Rock", "", "", "song"),
        ("Rock/a.b.mp3", "Rock", "", "", "a.b"),
        ("Rock/The Band/song.mp3", "Rock", "The Band", "", "song"),
        ("Rock/The Band/Live/song.mp3", "Rock", "The Band", "Live", "song"),
        ("Rock/The Band/Live/CD 1/x/song.mp3", "Rock", "The Band", "Live", "song"),
        ("Nu\u0301 /B/x.mp3", "N\u00fa", "B", "", "x"),
        ("New\nAge\u200b/B/x.mp3", "New Age", "B", "", "x"),
        ("\u200b/x.mp3", "", "", "", "x"),
    ],
)
def test_folders_are_genre_artist_and_album(
    name: str, genre: str, artist: str, album: str, title: str
) -> None:
    assert genre_folders.row_of(name) == Row(
        track_id=identity.track_id(name),
        artist_id=identity.artist_id(artist),
        album_id=identity.album_id(album, artist),
        genre=genre,
        title=title,
        artist=artist,
    )


def test_files_are_tracks(place: Fill) -> None:
    audio_dir = place({"Rock/a.mp3": b"", "Folk/B/b.wav": b"", "Folk/cover.jpg": b"", "c.mp3": b""})
    catalogue = read(audio_dir)
    assert {track.path: track.row.genre for track in catalogue.tracks} == {
        f"{audio_dir}/Rock/a.mp3": "Rock", f"{audio_dir}/Folk/B/b.wav": "Folk",
    }  # fmt: skip
    detail = "the file is not in the folder of a genre"
    assert catalogue.faults == [Fault(f"{audio_dir}/c.mp3", -1, FaultKind.NO_GENRE, detail)]
    assert catalogue.left_out == {"*.jpg": 1}


def test_what_cannot_be_opened_is_listed(folder: Fill) -> None:
    audio_dir = folder({"Rock/a.mp3": b""})
    os.mkfifo(f"{audio_dir}/Rock/b.mp3")
    (fault,) = read(audio_dir).faults
    assert (fault.path, fault.kind) == (f"{audio_dir}/Rock/b.mp3", FaultKind.UNREADABLE)
    assert fault.track_id == identity.track_id("Rock/b.mp3")


@pytest.mark.parametrize("name", ["song.mp3", "Rock/cover.jpg", ".Rock/song.mp3"])
def test_a_folder_without_genres_is_refused(place: Fill, name: str) -> None:
    with pytest.raises(InputError, match=r"holds no folders of genres, with files like Rock/song"):
        read(place({name: b""}))


def test_fmas_folders_are_not_taken_for_genres(place: Fill) -> None:
    audio_dir = place({"000/000002.mp3": b"", "001/001500.mp3": b""})
    with pytest.raises(InputError, match=r"like 000; .* by --metadata-dir"):
        read(audio_dir)
    place({"Rock/a.mp3": b""})
    assert len(read(audio_dir).tracks) == 3


def test_a_genre_whose_name_is_not_utf_8_can_be_encoded(folder: Fill) -> None:
    audio_dir = folder({"Rock/a.mp3": b""})
    Path(audio_dir, "Rock").rename(os.fsdecode(audio_dir.encode() + b"/Caf\xe9"))
    (track,) = read(audio_dir).tracks
    assert track.row.genre.encode() == rb"Caf\udce9"
    assert Path(track.path).exists()
