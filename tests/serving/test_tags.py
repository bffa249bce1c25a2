"""The genre in the tags of real files; all else in them stays."""

from __future__ import annotations

import os
from pathlib import Path

import mutagen
import pytest
from mutagen.id3 import COMM, TCON, TIT2

from dataset.audio.decoding import decode_clip
from dataset.config import AudioConfig
from serving.tags import TagError, write_genre
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, music

SOUND = music(44_100, 2, 2.0)
EASY = {
    "a.mp3": lambda: encode(SOUND, 44_100, container="MP3"),
    "a.flac": lambda: encode(SOUND, 44_100, container="FLAC"),
    "a.ogg": lambda: encode(SOUND, 44_100, container="OGG"),
    "a.m4a": lambda: encode_with_ffmpeg(SOUND, 44_100, "aac", "mp4"),
}
CHUNKS = {
    "a.wav": lambda: encode(SOUND, 44_100),
    "a.aiff": lambda: encode(SOUND, 44_100, container="AIFF"),
}


@pytest.mark.parametrize("name", EASY)
def test_the_genre_is_replaced_and_other_tags_are_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(EASY[name]())
    tagged = mutagen.File(path, easy=True)
    if tagged.tags is None:
        tagged.add_tags()
    tagged.update({"title": "Blue Hour", "artist": "Ana Reis", "genre": "Noise"})
    tagged.save()
    before = decode_clip(path.read_bytes(), AudioConfig()).pcm16
    path.chmod(0o640)
    write_genre(path, "Hip-Hop")
    found = mutagen.File(path, easy=True)
    kept = [found[key] for key in ("genre", "title", "artist")]
    assert kept == [["Hip-Hop"], ["Blue Hour"], ["Ana Reis"]]
    assert (decode_clip(path.read_bytes(), AudioConfig()).pcm16 == before).all()
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", CHUNKS)
def test_the_id3_chunk_of_other_formats_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(CHUNKS[name]())
    tagged = mutagen.File(path)
    tagged.add_tags()
    tagged.tags.add(TIT2(text=["Blue Hour"]))
    tagged.tags.add(COMM(lang="eng", desc="", text=["live"]))
    tagged.tags.add(TCON(text=["Noise"]))
    tagged.save()
    write_genre(path, "日本")
    tags = mutagen.File(path).tags
    texts = [tags[key].text for key in ("TCON", "TIT2", "COMM::eng")]
    assert texts == [["日本"], ["Blue Hour"], ["live"]]


def test_a_wma_has_the_genre_where_players_look_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.wma"
    path.write_bytes(encode_with_ffmpeg(SOUND, 44_100, "wmav2", "asf"))
    write_genre(path, "Folk")
    assert [str(value) for value in mutagen.File(path)["WM/Genre"]] == ["Folk"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.au", encode(SOUND, 44_100, container="AU"), "no tags"),
        ("a.flac", b"fLaC" + bytes(40), "."),
        ("a.mp3", b"", "."),
    ],
    ids=["no format", "damaged", "empty"],
)
def test_a_file_without_tags_is_refused_and_stays_as_it_is(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TagError, match=reason):
        write_genre(path, "Folk")
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == [name]


def test_a_link_stays_and_the_file_behind_it_is_tagged(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    path, link = tmp_path / "music" / "a.flac", tmp_path / "link.flac"
    path.write_bytes(EASY["a.flac"]())
    link.symlink_to(path)
    write_genre(link, "Folk")
    assert link.is_symlink()
    assert mutagen.File(path)["genre"] == ["Folk"]


def test_a_file_that_is_gone_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="No such file"):
        write_genre(tmp_path / "a.mp3", "Folk")
    assert not os.listdir(tmp_path)
