"""Which files of a folder are classified."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from common.errors import InputError
from dataset.bad_files import AudioError, FaultKind
from serving.songs import Song, find_songs


def test_a_folder_is_read_by_the_rules_of_ingestion(tmp_path: Path) -> None:
    music, outside = tmp_path / "Best of [2001]", tmp_path / "outside.mp3"
    (music / "a" / ".AppleDouble").mkdir(parents=True)
    outside.write_bytes(b"x")
    kept = ["a/b.mp3", "a/c", "d.wma"]
    left_out = [".hidden.mp3", "a/.AppleDouble/b.mp3", "cover.jpg", "a/notes.txt", "README"]
    for name in (*kept, *left_out):
        (music / name).write_bytes(b"x")
    (music / "e.mp3").symlink_to(outside)
    (music / "f.mp3").symlink_to(music / "d.wma")
    (music / "g.mp3").symlink_to(music / "nothing")
    (music / "h").symlink_to(music / "a")
    os.mkfifo(music / "i.mp3")
    found = {os.path.relpath(song.path, music): song.fault for song in find_songs([str(music)])}
    kinds = {name: fault and fault.kind for name, fault in found.items()}
    assert kinds == {
        **dict.fromkeys(kept),
        "e.mp3": FaultKind.OUTSIDE_FOLDER,
        "f.mp3": None,
        "g.mp3": FaultKind.MISSING_FILE,
        "i.mp3": FaultKind.UNREADABLE,
    }
    for song in find_songs([str(music)]):
        if song.fault:
            with pytest.raises(AudioError, match=song.fault.detail):
                song.read()


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    hidden, link = tmp_path / ".hidden.jpg", tmp_path / "link"
    hidden.write_bytes(b"x")
    link.symlink_to(hidden)
    songs = find_songs([str(hidden), str(link)])
    assert [song.path for song in songs] == [str(hidden), str(link)]
    assert [song.read() for song in songs] == [b"x", b"x"]


def test_a_pipe_is_refused_which_would_block_who_opens_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match="not a regular file"):
        find_songs([str(tmp_path / "a.wav")])


def test_standard_input_is_read_once() -> None:
    with pytest.raises(InputError, match="only once"):
        find_songs(["-", "-"])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no file {tmp_path}/song.mp3"):
        find_songs([str(tmp_path / "song.mp3")])
    (tmp_path / "cover.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match=f"{tmp_path} has no audio"):
        find_songs([str(tmp_path)])


@pytest.mark.parametrize(
    ("path", "is_named", "expected"),
    [
        ("a/song.mp3", False, FaultKind.UNDECODABLE),
        ("a/data", True, FaultKind.UNDECODABLE),
        ("a/data", False, FaultKind.NOT_AUDIO),
    ],
)
def test_what_nothing_calls_audio_is_no_bad_audio(
    path: str, is_named: bool, expected: FaultKind
) -> None:
    fault = AudioError(FaultKind.UNDECODABLE, "unknown format")
    assert Song(path, is_named).reclassified(fault).kind is expected
    silent = AudioError(FaultKind.SILENT, "silent")
    assert Song(path, is_named).reclassified(silent) is silent
