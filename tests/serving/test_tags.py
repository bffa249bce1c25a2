"""The genre in the tags of real files; all else in them stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import mutagen
import pytest
from mutagen.id3 import COMM, ID3, TCON, TIT2

from dataset.audio.decoding import decode_clip
from dataset.audio.sandbox import Decoder
from dataset.config import AudioConfig
from serving.tags import TagError, write_genre
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, music, wav_size

SOUND = music(44_100, 2, 2.0)
WAV = encode(SOUND, 44_100)
EASY = {
    "a.mp3": lambda: encode(SOUND, 44_100, container="MP3"),
    "a.flac": lambda: encode(SOUND, 44_100, container="FLAC"),
    "a.ogg": lambda: encode(SOUND, 44_100, container="OGG"),
    "a.m4a": lambda: encode_with_ffmpeg(SOUND, 44_100, "aac", "mp4"),
}
CHUNKS = {
    "a.wav": lambda: WAV,
    "a.aiff": lambda: encode(SOUND, 44_100, container="AIFF"),
}


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """Return one decoder for all tests."""
    with Decoder(AudioConfig()) as found:
        yield found


@pytest.mark.parametrize("name", EASY)
def test_the_genre_is_replaced_and_other_tags_are_kept(
    tmp_path: Path, decoder: Decoder, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(EASY[name]())
    tagged = mutagen.File(path, easy=True)
    if tagged.tags is None:
        tagged.add_tags()
    tagged.update({"title": "Blue Hour", "artist": "Ana Reis", "genre": "Noise"})
    tagged.save()
    before = decode_clip(path.read_bytes(), AudioConfig()).pcm16
    path.chmod(0o640)
    write_genre(path, "Hip-Hop", decoder)
    found = mutagen.File(path, easy=True)
    kept = [found[key] for key in ("genre", "title", "artist")]
    assert kept == [["Hip-Hop"], ["Blue Hour"], ["Ana Reis"]]
    assert (decode_clip(path.read_bytes(), AudioConfig()).pcm16 == before).all()
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", CHUNKS)
def test_the_id3_chunk_of_other_formats_is_written(
    tmp_path: Path, decoder: Decoder, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(CHUNKS[name]())
    tagged = mutagen.File(path)
    tagged.add_tags()
    tagged.tags.add(TIT2(text=["Blue Hour"]))
    tagged.tags.add(COMM(lang="eng", desc="", text=["live"]))
    tagged.tags.add(TCON(text=["Noise"]))
    tagged.save()
    write_genre(path, "日本", decoder)
    tags = mutagen.File(path).tags
    texts = [tags[key].text for key in ("TCON", "TIT2", "COMM::eng")]
    assert texts == [["日本"], ["Blue Hour"], ["live"]]


def test_what_only_an_older_version_of_id3_has_is_kept(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "a.mp3"
    frames = [b"TYER\0\0\0\5\0\0\x001999", b"XABC\0\0\0\4\0\0mine", b"TPE1\0\0\0\4\0\0\0A\0B"]
    tags = b"".join(frames).ljust(200, b"\0")
    path.write_bytes(b"ID3\3\0\0\0\0\1\x48" + tags + EASY["a.mp3"]())
    write_genre(path, "Folk", decoder)
    found = ID3(path, translate=False)
    assert (found.version, found["TCON"].text) == ((2, 3, 0), ["Folk"])
    assert frames[1] in path.read_bytes()  # which no library knows
    assert (str(found["TYER"]), found["TPE1"].text) == ("1999", ["A", "B"])


def test_a_wma_has_the_genre_where_players_look_for_it(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "a.wma"
    path.write_bytes(encode_with_ffmpeg(SOUND, 44_100, "wmav2", "asf"))
    write_genre(path, "Folk", decoder)
    assert [str(value) for value in mutagen.File(path)["WM/Genre"]] == ["Folk"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.au", encode(SOUND, 44_100, container="AU"), "no tags"),
        ("a.wav", WAV[:40] + b"\xff" * 4 + WAV[44:], "sound would change"),
        ("a.wav", WAV[:-1_001], "sound would change"),
        ("a.wav", wav_size(WAV, 2**32 - 1), "format requires"),
        ("a.wav", wav_size(WAV, 0), "data size"),
        ("a.flac", b"fLaC" + bytes(40), "file said"),
        ("a.mp3", b"", "MPEG frame"),
    ],
    ids=["no format", "data size", "cut off", "no sizes", "sizes of 0", "damaged", "empty"],
)
def test_a_file_that_cannot_be_tagged_is_refused_and_stays_as_it_is(
    tmp_path: Path, decoder: Decoder, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TagError, match=reason):
        write_genre(path, "Folk", decoder)
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == [name]


def test_a_link_stays_and_the_file_behind_it_is_tagged(tmp_path: Path, decoder: Decoder) -> None:
    (tmp_path / "music").mkdir()
    path, link = tmp_path / "music" / "a.flac", tmp_path / "link.flac"
    path.write_bytes(EASY["a.flac"]())
    link.symlink_to(path)
    write_genre(link, "Folk", decoder)
    assert link.is_symlink()
    assert mutagen.File(path)["genre"] == ["Folk"]


def test_a_file_that_is_gone_is_named_as_such(tmp_path: Path, decoder: Decoder) -> None:
    with pytest.raises(TagError, match="No such file"):
        write_genre(tmp_path / "a.mp3", "Folk", decoder)
    assert not os.listdir(tmp_path)


def test_a_file_of_two_names_is_refused(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WAV)
    os.link(path, tmp_path / "b.wav")
    with pytest.raises(TagError, match="hard link"):
        write_genre(path, "Folk", decoder)
    assert path.stat().st_nlink == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_tagged_file_keeps_its_owner(tmp_path: Path, decoder: Decoder) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WAV)
    os.chown(path, 1234, 5678)
    write_genre(path, "Folk", decoder)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)
