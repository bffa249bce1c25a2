"""Which files there are: on a disk with all that lies about there, and in a bucket."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from common import files
from common.errors import InputError
from dataset.bad_files import Fault, FaultKind, to_csv
from dataset.catalogue.listing import Listing, list_audio, track_id_of
from dataset.config import DataConfig

Fill = Callable[[Mapping[str, bytes]], str]


def of_genres(audio_dir: str, **settings: str) -> Listing:
    """Return the listing of a folder per genre."""
    return list_audio(DataConfig(audio_dir, **settings))


def of_fma(audio_dir: str) -> Listing:
    """Return the listing of a folder in FMA's shape; its tables are not looked at."""
    return list_audio(DataConfig(audio_dir, metadata_dir="elsewhere"))


def names(listing: Listing) -> list[tuple[int, str]]:
    """Return what a listing has to read."""
    return [(file.span, file.name) for file in listing.files]


@pytest.mark.parametrize(
    ("path", "track_id"),
    [
        ("gs://b/155/155066.wav", 155_066), ("000\\000003.flac", 3), ("000/0000010.ogg", 10),
        ("000/README.txt", -1), ("000/000002", -1), ("000/000002.mp3.part", -1),
        ("000002.mp3/x.mp3", -1), (f"000/{'9' * 19}.mp3", -1),
    ],
)  # fmt: skip
def test_the_track_id_is_the_name_of_the_file(path: str, track_id: int) -> None:
    assert track_id_of(path) == track_id


def test_genres_have_files_at_any_depth(place: Fill) -> None:
    audio_dir = place({"Rock/b.mp3": b"xy", "Rock/A/L/CD 1/a.mp3": b"x", "root.mp3": b""})
    listing = of_genres(audio_dir)
    assert names(listing) == [(0, "Rock/A/L/CD 1/a.mp3"), (0, "Rock/b.mp3"), (0, "root.mp3")]
    assert [file.path for file in listing.files] == [f"{audio_dir}/{n}" for _, n in names(listing)]
    assert [file.size_bytes for file in listing.files] == [1, 2, 0]
    assert listing.folders == {0: audio_dir}
    assert of_genres(audio_dir + "/") == listing


def test_fma_has_files_in_its_folders_alone(place: Fill) -> None:
    audio_dir = place({
        "README.txt": b"", "000/000002.mp3": b"", "001/1/000003.mp3": b"", "000/cover.jpg": b"",
    })  # fmt: skip
    listing = of_fma(audio_dir)
    assert names(listing) == [(0, "000/000002.mp3")]
    assert listing.left_out == {"*.jpg": 1}


@pytest.mark.parametrize(
    ("pattern", "others"),
    [
        (".*", [".DS_Store", "Rock/.DS_Store", "Rock/._song.mp3", ".Rock/song.mp3",
                "Rock/.gitkeep"]),
        (".git*/", [".git/song.mp3"]),
        (".Trash*/", ["Rock/.Trash-1000/song.mp3"]),
        ("@eaDir/", ["@eaDir/song.mp3", "Rock/A/@eaDir/song.mp3@SynoEAStream"]),
        ("$RECYCLE.BIN/", ["$Recycle.Bin/S-1-5/song.mp3"]),
        ("README", ["Rock/README", "readme"]),
        ("*.jpg", ["Rock/cover.JPG", "Rock/A/folder.jpg"]),
        ("*.gz", ["Rock/songs.tar.gz"]),
        *((f"*{ending}", [f"x{ending}"]) for ending in (".lrc", ".txt", ".m3u", ".asd", ".zip")),
    ],
)  # fmt: skip
def test_what_is_no_audio_by_its_name_is_counted(
    place: Fill, pattern: str, others: list[str]
) -> None:
    listing = of_genres(place({"Rock/song.mp3": b"", **dict.fromkeys(others, b"")}))
    assert names(listing) == [(0, "Rock/song.mp3")]
    assert listing.left_out == {pattern: len(others)}


@pytest.mark.parametrize(
    "name", ["song", "song.mp3.part", "README.mp3", "txt", "a.b", "x.MP4", ".38 Special/x.mp3"]
)
def test_all_else_is_for_the_decoder_to_look_at(place: Fill, name: str) -> None:
    listing = of_genres(place({f"Rock/{name}": b""}))
    assert names(listing) == [(0, f"Rock/{name}")]
    assert listing.left_out == {}


SPANS = {
    "span-1/audio/Rock/a.mp3": b"", "span-2/audio/Rock/a.mp3": b"", "span-10/audio/Rock/b.mp3": b"",
    "span-x/audio/Rock/c.mp3": b"", "span-3/Rock/d.mp3": b"", "other/e.mp3": b"",
}  # fmt: skip


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("all", [(1, "Rock/a.mp3"), (2, "Rock/a.mp3"), (10, "Rock/b.mp3")]),
        ("2-9", [(2, "Rock/a.mp3")]),
    ],
)
def test_spans_are_found_and_chosen(
    place: Fill, span: str, expected: list[tuple[int, str]]
) -> None:
    base = place(SPANS)
    listing = of_genres(f"{base}/span-{{SPAN}}/audio", span=span)
    assert names(listing) == expected
    assert listing.folders == {s: f"{base}/span-{s}/audio" for s, _ in expected}


def test_spans_with_zeros(place: Fill) -> None:
    base = place({"07/Rock/a.mp3": b"", "7/Rock/b.mp3": b"", "123/Rock/c.mp3": b""})
    assert names(of_genres(f"{base}/{{SPAN:2}}")) == [(7, "Rock/a.mp3")]
    with pytest.raises(InputError, match="span 7 is there twice"):
        of_genres(f"{base}/{{SPAN}}")


def test_what_stands_for_a_folder_of_a_bucket_is_no_file(bucket: Fill) -> None:
    base = bucket({"audio/": b"", "audio/Rock/": b"", "audio/Rock/a.mp3": b"", "audio2/R/b": b""})
    assert names(of_genres(f"{base}/audio")) == [(0, "Rock/a.mp3")]


def test_a_folder_that_is_not_there_is_named(place: Fill) -> None:
    missing = f"{place({'x': b''})}/nowhere"
    for listing in (of_genres, of_fma):
        with pytest.raises(InputError, match=r"folder .*/nowhere does not exist$"):
            listing(missing)
    with pytest.raises(InputError, match=r"no folder like .*/nowhere-\{SPAN\}"):
        of_genres(f"{missing}-{{SPAN}}")


def test_a_file_is_no_folder(folder: Fill) -> None:
    with pytest.raises(InputError, match=r"cannot read the folder .*/x: Not a directory"):
        of_genres(f"{folder({'x': b''})}/x")


def test_a_folder_whose_name_would_be_a_pattern_is_refused(place: Fill) -> None:
    with pytest.raises(InputError, match=r"br\[ack\]et has one of \* \? \[ in its path"):
        of_genres(f"{place({'br[ack]et/Rock/a.mp3': b''})}/br[ack]et")


@pytest.fixture
def rock(folder: Fill) -> Path:
    """Return the folder of a genre that has one song."""
    return Path(folder({"Rock/song.mp3": b"x"})) / "Rock"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside the archive, with a file."""
    (tmp_path / "disk-2").mkdir()
    (tmp_path / "disk-2" / "secret.mp3").write_bytes(b"x")
    return tmp_path / "disk-2"


def test_links_pipes_and_sockets_are_not_opened_but_for_links_to_files_within(
    rock: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, target in {
        "file.mp3": outside / "secret.mp3", "folder": outside, "none.mp3": outside / "none.mp3",
        "relative.mp3": f"../../{outside.name}/secret.mp3", "by-way.mp3": "relative.mp3",
        "again.mp3": "song.mp3", "loop": "..", "dead.mp3": "gone.mp3", "ping.mp3": "pong.mp3",
        "pong.mp3": "ping.mp3", "to-pipe.mp3": "pipe.mp3", "cover.jpg": outside / "secret.mp3",
        ".cache": outside,
    }.items():  # fmt: skip
        (rock / name).symlink_to(target)
    os.mkfifo(rock / "pipe.mp3")
    monkeypatch.chdir(rock)  # the path of a socket has to be short
    # The audio folder itself may be a link.
    (outside.parent / "here").symlink_to(rock.parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.mp3")
        listing = of_genres(str(outside.parent / "here"))
    assert names(listing) == [(0, "Rock/again.mp3"), (0, "Rock/song.mp3")]
    assert [file.size_bytes for file in listing.files] == [1, 1]
    assert listing.left_out == {"*.jpg": 1, ".*": 1}
    assert {entry.name.removeprefix("Rock/"): entry.kind.value for entry in listing.barred} == {
        **dict.fromkeys(
            ["file.mp3", "folder", "none.mp3", "relative.mp3", "by-way.mp3"], "outside_folder"
        ),
        "loop": "duplicate_file", "dead.mp3": "missing_file",
        **dict.fromkeys(
            ["ping.mp3", "pong.mp3", "pipe.mp3", "to-pipe.mp3", "socket.mp3"], "unreadable"
        ),
    }  # fmt: skip
    barred = {Path(entry.path).name: entry.fault(5) for entry in listing.barred}["folder"]
    assert (barred.track_id, barred.detail) == (5, f"a link out of the folder, to {outside}")


def followed(audio_dir: Path) -> Listing:
    """Return the listing of a folder per genre whose links may lead out of it."""
    return list_audio(DataConfig(str(audio_dir), follow_links=True))


def test_links_out_are_followed_where_they_may_be(rock: Path, outside: Path) -> None:
    (rock / "a.mp3").symlink_to(outside / "secret.mp3")
    (rock / "dead.mp3").symlink_to(outside / "not-there.mp3")
    (rock.parent / "Folk").symlink_to(outside)
    (outside / "below").mkdir()
    (outside / "below" / "b.mp3").write_bytes(b"xyz")
    listing = followed(rock.parent)
    assert names(listing) == [
        (0, "Folk/below/b.mp3"), (0, "Folk/secret.mp3"), (0, "Rock/a.mp3"), (0, "Rock/song.mp3"),
    ]  # fmt: skip
    assert [file.size_bytes for file in listing.files] == [3, 1, 1, 1]
    assert [(entry.name, entry.kind) for entry in listing.barred] == [
        ("Rock/dead.mp3", FaultKind.MISSING_FILE)
    ]


def test_links_that_are_followed_neither_lead_in_circles_nor_read_a_folder_twice(
    rock: Path, outside: Path
) -> None:
    for link, target in {
        rock.parent / "Folk": outside, rock.parent / "Pop": outside,
        rock.parent / "Jazz": outside / "below", rock.parent / "up": rock.parent.parent,
        outside / "back": rock, outside / "loop": outside,
    }.items():  # fmt: skip
        link.symlink_to(target)
    (outside / "below").mkdir()
    (outside / "below" / "b.mp3").write_bytes(b"")
    listing = followed(rock.parent)
    assert names(listing) == [
        (0, "Folk/secret.mp3"), (0, "Jazz/b.mp3"), (0, "Rock/song.mp3"),
    ]  # fmt: skip
    assert {entry.kind for entry in listing.barred} == {FaultKind.DUPLICATE_FILE}
    details = {entry.name: entry.detail for entry in listing.barred}
    assert details["Pop"] == f"a folder whose files are read from {rock.parent}/Folk"
    assert sorted(details) == [
        "Folk/back",
        "Folk/below",
        "Folk/loop",
        "Pop",
        "up/disk",
        "up/disk-2",
    ]


def test_a_hidden_link_does_not_take_a_folder_from_a_genre(rock: Path, outside: Path) -> None:
    (rock.parent / ".cache").symlink_to(outside)
    (rock.parent / "Folk").symlink_to(outside)
    listing = followed(rock.parent)
    assert names(listing) == [(0, "Folk/secret.mp3"), (0, "Rock/song.mp3")]
    assert (listing.barred, listing.left_out) == ([], {".*": 1})


def test_fmas_folders_may_be_links(folder: Fill, outside: Path) -> None:
    audio_dir = Path(folder({"000/000002.mp3": b"x"}))
    (outside / "001001.mp3").write_bytes(b"")
    (audio_dir / "001").symlink_to(outside)
    (audio_dir / "000" / "below").symlink_to(outside)
    listing = list_audio(DataConfig(str(audio_dir), metadata_dir="elsewhere", follow_links=True))
    assert names(listing) == [(0, "000/000002.mp3"), (0, "001/001001.mp3"), (0, "001/secret.mp3")]
    assert listing.barred == []


def test_folders_that_cannot_be_read_are_barred(
    rock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read any folder, so the refusal is made here.
    for name in ("A", "B"):
        (rock / name).mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith(("/A", "/B")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    listing = of_genres(str(rock.parent))
    assert names(listing) == [(0, "Rock/song.mp3")]
    assert [(entry.path, entry.detail) for entry in listing.barred] == [
        (f"{rock}/A", "Permission denied"), (f"{rock}/B", "Permission denied"),
    ]  # fmt: skip


def test_links_in_fmas_shape(folder: Fill, outside: Path) -> None:
    audio_dir = Path(folder({"000/000002.mp3": b"x"}))
    (audio_dir / "000" / "000003.mp3").symlink_to(outside / "secret.mp3")
    (audio_dir / "001").symlink_to(outside)
    (audio_dir / "same").symlink_to("000")
    (audio_dir / "README.txt").symlink_to("000/000002.mp3")
    listing = of_fma(str(audio_dir))
    assert names(listing) == [(0, "000/000002.mp3")]
    assert [(entry.name, entry.kind) for entry in listing.barred] == [
        ("000/000003.mp3", FaultKind.OUTSIDE_FOLDER),
        ("001", FaultKind.OUTSIDE_FOLDER),
        ("same", FaultKind.DUPLICATE_FILE),
    ]


def test_a_link_into_another_span_is_a_link_out(folder: Fill) -> None:
    base = Path(folder({"1/Rock/a.mp3": b"", "2/Rock/b.mp3": b""}))
    (base / "2" / "Rock" / "a.mp3").symlink_to(base / "1" / "Rock" / "a.mp3")
    (barred,) = of_genres(f"{base}/{{SPAN}}").barred
    assert (barred.span, barred.kind) == (2, FaultKind.OUTSIDE_FOLDER)


def test_a_name_that_is_not_utf_8_is_listed_and_can_be_reported(rock: Path) -> None:
    (rock / os.fsdecode(b"Caf\xe9\n.mp3")).write_bytes(b"x")
    listing = of_genres(str(rock.parent))
    assert names(listing)[0] == (0, "Rock/Caf\udce9\n.mp3")
    assert len(listing.fingerprint) == 64
    fault = Fault(listing.files[0].path, -1, FaultKind.SILENT, "")
    files.write_text(str(rock / "faults.csv"), to_csv([fault]))
    assert b"Caf\\udce9" in (rock / "faults.csv").read_bytes()


def test_the_fingerprint_is_of_paths_sizes_and_times(rock: Path) -> None:
    def fingerprint() -> str:
        return of_genres(str(rock.parent)).fingerprint

    os.utime(rock / "song.mp3", (1, 1))
    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    (rock / ".DS_Store").write_bytes(b"of no account")
    assert fingerprint() == seen[0]
    os.utime(rock / "song.mp3", (1, 2))
    seen.append(fingerprint())
    (rock / "song.mp3").write_bytes(b"longer")
    os.utime(rock / "song.mp3", (1, 2))
    seen.append(fingerprint())
    (rock / "song.mp3").rename(rock / "other.mp3")
    seen.append(fingerprint())
    (rock / "link.mp3").symlink_to("gone.mp3")
    seen.append(fingerprint())
    assert len(set(seen)) == 5
