"""A table of one's own: how it may be written, what is wrong with it, and the files it names."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from common.errors import InputError
from dataset import identity
from dataset.bad_files import FaultKind
from dataset.catalogue.listing import list_audio
from dataset.catalogue.own_table import load, read_archive
from dataset.config import DataConfig
from dataset.track import Catalogue, Row

Fill = Callable[[Mapping[str, bytes]], str]
Table = Callable[[str], list[dict[str, object]]]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Return a reader of a table called T."""
    monkeypatch.chdir(tmp_path)

    def table(text: str) -> list[dict[str, object]]:
        Path("T").write_bytes(text.encode())
        return load("T").reset_index(names="line").to_dict("records")

    return table


def read_at(audio_dir: str, **settings: str) -> Catalogue:
    """Read the table `t.csv` beside an audio folder."""
    data = DataConfig(audio_dir, tracks_csv=f"{posixpath.dirname(audio_dir)}/t.csv", **settings)
    return read_archive(data, list_audio(data))


@pytest.fixture
def read(place: Fill) -> Callable[..., Catalogue]:
    """Return a reader of a table beside a folder with `a.mp3` and `b/c.mp3`."""
    base = place({"audio/a.mp3": b"", "audio/b/c.mp3": b"", "out.mp3": b"", "audio-2/d.mp3": b""})

    def read(text: str, audio_dir: str = "audio", **settings: str) -> Catalogue:
        place({"t.csv": text.replace("BASE", base).encode()})
        return read_at(f"{base}/{audio_dir}", **settings)

    return read


def faults(catalogue: Catalogue) -> list[tuple[str, FaultKind, str]]:
    """Return path, kind and detail of the faults, without the folder of the test."""
    base = catalogue.faults[0].detail.partition("/t.csv")[0] + "/" if catalogue.faults else ""
    return [
        (fault.path.replace(base, ""), fault.kind, fault.detail.replace(base, ""))
        for fault in catalogue.faults
        if fault.kind is not FaultKind.NO_METADATA
    ]


@pytest.mark.parametrize(
    "text",
    [
        "path,genre\na.mp3,Rock\n",
        "Genre, PATH \nRock,a.mp3\n",
        "mood,path,genre\nsad,a.mp3, Rock \n",
        "path,genre,artist,track_id\na.mp3,Rock,,\n",
        "path,genre,split\na.mp3,Rock,\n",
        "path,genre\na.mp3,Rock,,\n,\n\n",
        'path,genre\na.mp3,"\r\nRo\u00adck\u200b"\n',
    ],
)
def test_ways_to_write_a_table(table: Table, text: str) -> None:
    (row,) = table(text)
    assert row == {
        "line": 2, "path": "a.mp3", "genre": "Rock", "track_id": -1, "artist_id": -1,
        "album_id": -1, "year": -1, "title": "", "license": "", "artist": "", "split": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path,title\na,b\n", "T, line 1: column genre is missing; the header has 'path,title'"),
        ("path,genre\n", "T has no row below its header"),
        ("path,genre\na,b\n ,c\n", "T, line 3: path is '', expected a path"),
        ("path,genre,track_id\na,b,1.0\n", "T, line 2: track_id is '1.0', expected a whole numb"),
        ("path,genre,track_id\na,b,-1\n", "T, line 2: track_id is '-1', expected a whole number"),
        (f"path,genre,track_id\na,b,{'9' * 19}\n", "T, line 2: track_id is '999"),
        ("path,genre,track_id\na,b,0\nc,d,2\ne,f,0\n",
         "T, line 4: track_id is '0', expected an id that no other path has"),
    ],
)  # fmt: skip
def test_errors_name_line_and_column(table: Table, text: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        table(text)
    assert str(caught.value).startswith(expected)


def test_ids_are_exact_and_a_genre_may_be_na(table: Table) -> None:
    large = 2**53 + 1  # which no float64 is
    rows = table(f"path,genre,track_id\na,NA,{large}\nb,null,\n")
    assert [(row["track_id"], row["genre"]) for row in rows] == [(large, "NA"), (-1, "null")]


def test_a_row_says_what_is_known_of_a_track(read: Callable[..., Catalogue]) -> None:
    (track,) = read(
        "path,genre,artist,album,title,license,year,split,track_id\n"
        "b/c.mp3,Rock,The Band,Live,T,CC BY,1999-05-01,Training,7\n"
    ).tracks
    assert track.row == Row(
        track_id=7,
        artist_id=identity.artist_id("The Band"),
        album_id=identity.album_id("Live", "The Band"),
        genre="Rock",
        title="T",
        license="CC BY",
        split="train",
        year=1999,
        artist="The Band",
    )
    assert track.path.endswith("/audio/b/c.mp3")


@pytest.mark.parametrize(
    ("year", "expected"),
    [("1999", 1999), ("1999-05", 1999), ("", -1), ("99", -1), ("19990501", -1), ("about 1999", -1)],
)
def test_an_odd_year_is_none(read: Callable[..., Catalogue], year: str, expected: int) -> None:
    (track,) = read(f"path,genre,year\na.mp3,Rock,{year}\n").tracks
    assert track.row.year == expected


@pytest.mark.parametrize(
    "path",
    ["b/c.mp3", "b\\c.mp3", "./b/c.mp3", "b/../b/c.mp3", "b//c.mp3", "BASE/audio/b/c.mp3",
     "BASE/audio/../audio/b/c.mp3"],
)  # fmt: skip
def test_ways_to_write_a_path(read: Callable[..., Catalogue], path: str) -> None:
    catalogue = read(f"path,genre\n{path},Rock\n")
    assert faults(catalogue) == []
    (track,) = catalogue.tracks
    assert track.path.endswith("/audio/b/c.mp3")
    assert track.row.track_id == identity.track_id("b/c.mp3")


@pytest.mark.parametrize(
    "path",
    ["../out.mp3", "..\\out.mp3", "b/../../out.mp3", "..", "/etc/passwd", "C:\\x.mp3", "c:/x.mp3",
     "gs://other/x.mp3", "http://x/y.mp3", "file:///etc/passwd", "BASE/out.mp3",
     "BASE/audio/../out.mp3", "BASE/audio-2/d.mp3", "../audio-2/d.mp3"],
)  # fmt: skip
def test_a_path_out_of_the_folder_is_a_fault_and_the_run_goes_on(
    read: Callable[..., Catalogue], path: str
) -> None:
    catalogue = read(f"path,genre\n{path},Rock\na.mp3,Folk\n")
    assert [track.row.genre for track in catalogue.tracks] == ["Folk"]
    (fault,) = faults(catalogue)
    assert fault[1:] == (
        FaultKind.OUTSIDE_FOLDER, "t.csv, line 2: the path leads out of the audio folder",
    )  # fmt: skip
    if "BASE" not in path:
        assert fault[0] == path


@pytest.mark.parametrize("path", ["music/b/c.mp3", "../b/c.mp3", "D:\\music\\b\\c.mp3"])
def test_where_no_path_leads_to_a_file_a_path_and_a_file_are_named(
    read: Callable[..., Catalogue], path: str
) -> None:
    expected = f"{re.escape(path)}, the first file is a.mp3; correct --audio-dir"
    with pytest.raises(InputError, match=expected):
        read(f"path,genre\n{path},Rock\nnowhere/x.mp3,Folk\n")


def test_in_spans_not_every_path_may_lead_nowhere(place: Fill) -> None:
    base = place({"1/b.mp3": b"", "t.csv": b"path,genre\na.mp3,Rock\n"})
    with pytest.raises(InputError, match=r"the first file is b\.mp3; "):
        read_at(f"{base}/{{SPAN}}")


def test_a_row_may_name_what_is_no_audio_by_its_name(place: Fill) -> None:
    base = place({"audio/a.lrc": b"", "audio/b.lrc": b"", "t.csv": b"path,genre\na.lrc,Rock\n"})
    catalogue = read_at(f"{base}/audio")
    assert [track.path for track in catalogue.tracks] == [f"{base}/audio/a.lrc"]
    assert catalogue.faults == []


def test_rows_that_cannot_be_used(read: Callable[..., Catalogue]) -> None:
    catalogue = read(
        "path,genre,track_id\na.mp3,Rock,1\nnowhere.mp3,Rock,2\n./a.mp3,Rock,3\nb/c.mp3, ,4\n"
        "b,Rock,5\na.mp3,Rock,1\n"
    )
    assert [track.row.track_id for track in catalogue.tracks] == [1]
    assert faults(catalogue) == [
        ("nowhere.mp3", FaultKind.MISSING_FILE, "t.csv, line 3: there is no such file"),
        ("audio/a.mp3", FaultKind.DUPLICATE_FILE,
         "t.csv, line 4: line 2 has the same file and is used"),
        ("audio/b/c.mp3", FaultKind.NO_GENRE, "t.csv, line 5: genre is empty"),
        ("b", FaultKind.MISSING_FILE, "t.csv, line 6: there is no such file"),
        ("audio/a.mp3", FaultKind.DUPLICATE_FILE,
         "t.csv, line 7: line 2 has the same file and is used"),
    ]  # fmt: skip
    assert [fault.track_id for fault in catalogue.faults] == [2, 3, 4, 5, 1]


def test_words_for_splits(table: Table) -> None:
    words = ["train", "Training", "eval", "VALIDATION", "valid", "val", "dev", "test", "testing"]
    rows = table("path,genre,split\n" + "".join(f"{word},Rock, {word}\n" for word in words))
    assert [row["split"] for row in rows] == ["train"] * 2 + ["eval"] * 5 + ["test"] * 2


@pytest.mark.parametrize(
    ("word", "expected"),
    [("fold1", "split is 'fold1', expected train, eval or test "), ("", "split is '', expected ")],
)
def test_a_split_that_is_none_names_its_line(
    read: Callable[..., Catalogue], word: str, expected: str
) -> None:
    text = f"path,genre,split\na.mp3,Rock,train\nb/c.mp3,Rock,{word}\n"
    with pytest.raises(InputError) as caught:
        read(text)
    assert f"/t.csv, line 3: {expected}" in str(caught.value)
    tracks = read(text, split="artist-grouped").tracks
    assert [track.row.split for track in tracks] == ["", ""]


def test_given_and_derived_ids_must_not_meet(read: Callable[..., Catalogue]) -> None:
    taken = identity.track_id("b/c.mp3")
    with pytest.raises(
        InputError, match=r"line 3: b/c\.mp3 comes to the track_id that .*/a\.mp3 has"
    ):
        read(f"path,genre,track_id\na.mp3,Rock,{taken}\nb/c.mp3,Rock,\n")


def test_a_path_is_looked_up_in_each_span(place: Fill) -> None:
    base = place({
        "1/a.mp3": b"", "2/a.mp3": b"", "2/b.mp3": b"", "3/c.mp3": b"",
        "t.csv": b"path,genre\na.mp3,Rock\nb.mp3,Folk\nc.mp3,Pop\n",
    })  # fmt: skip

    def read(span: str) -> Catalogue:
        return read_at(f"{base}/{{SPAN}}", span=span)

    assert [(track.span, track.path) for track in read("1-2").tracks] == [
        (1, f"{base}/1/a.mp3"), (2, f"{base}/2/b.mp3"),
    ]  # fmt: skip
    later = read("1-2")
    assert later.left_out == {"without a file in these spans": 1}
    assert [(fault.path, fault.kind) for fault in later.faults] == [
        (f"{base}/2/a.mp3", FaultKind.DUPLICATE_FILE)
    ]
    assert [(track.span, track.path) for track in read("2").tracks] == [
        (2, f"{base}/2/a.mp3"), (2, f"{base}/2/b.mp3"),
    ]  # fmt: skip
    ids = [{track.row.genre: track.row.track_id for track in read(s).tracks} for s in ("all", "2")]
    assert ids[0]["Rock"] == ids[1]["Rock"]


def test_a_file_of_a_later_span_is_better_than_a_dead_link(folder: Fill) -> None:
    base = folder({"1/b.mp3": b"", "2/a.mp3": b"", "t.csv": b"path,genre\na.mp3,Rock\n"})
    Path(base, "1", "a.mp3").symlink_to("gone.mp3")
    catalogue = read_at(f"{base}/{{SPAN}}")
    assert [track.span for track in catalogue.tracks] == [2]
    assert [(fault.path, fault.kind) for fault in catalogue.faults] == [
        (f"{base}/1/b.mp3", FaultKind.NO_METADATA),
        (f"{base}/1/a.mp3", FaultKind.MISSING_FILE),
    ]


def test_letters_and_accents_may_be_composed_otherwise(place: Fill) -> None:
    base = place({"audio/e\u0301.mp3": b"", "t.csv": "path,genre\n\u00e9.mp3,Rock\n".encode()})
    (track,) = read_at(f"{base}/audio").tracks
    assert track.path == f"{base}/audio/e\u0301.mp3"


def test_links_are_not_followed_out_of_the_folder(folder: Fill, tmp_path: Path) -> None:
    base = Path(folder({
        "audio/b/c.mp3": b"",
        "t.csv": b"path,genre\nfile.mp3,R\nout/x/y.mp3,R\nin/c.mp3,R\n"
                 b"gone.mp3,R\npipe.mp3,R\nb/c.mp3,R\n",
    }))  # fmt: skip
    (tmp_path / "secret" / "x").mkdir(parents=True)
    (tmp_path / "secret" / "x" / "y.mp3").write_bytes(b"x")
    for name, target in {
        "file.mp3": "../../secret/x/y.mp3", "out": "../../secret", "in": "b", "gone.mp3": "no.mp3",
        "unnamed": "../../secret",
    }.items():  # fmt: skip
        (base / "audio" / name).symlink_to(target)
    os.mkfifo(base / "audio" / "pipe.mp3")
    catalogue = read_at(f"{base}/audio")
    assert [track.path for track in catalogue.tracks] == [f"{base}/audio/b/c.mp3"]
    assert [(fault.path, fault.kind) for fault in catalogue.faults] == [
        ("file.mp3", FaultKind.OUTSIDE_FOLDER),
        ("out/x/y.mp3", FaultKind.OUTSIDE_FOLDER),
        ("in/c.mp3", FaultKind.MISSING_FILE),
        ("gone.mp3", FaultKind.MISSING_FILE),
        ("pipe.mp3", FaultKind.UNREADABLE),
        (f"{base}/audio/unnamed", FaultKind.OUTSIDE_FOLDER),
    ]


def test_a_relative_folder(folder: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    base = folder({"audio/a.mp3": b"", "audio/b.mp3": b""})
    folder({"t.csv": f"path,genre\na.mp3,Rock\n{base}/audio/b.mp3,Folk\n".encode()})
    monkeypatch.chdir(base)
    data = DataConfig("audio", tracks_csv="t.csv")
    tracks = read_archive(data, list_audio(data)).tracks
    assert [track.path for track in tracks] == ["audio/a.mp3", "audio/b.mp3"]


def test_files_that_no_row_names_are_listed(place: Fill) -> None:
    base = place({
        "audio/a.mp3": b"", "audio/b/unnamed.mp3": b"", "audio/cover.jpg": b"",
        "t.csv": b"path,genre\na.mp3,Rock\n",
    })  # fmt: skip
    (fault,) = read_at(f"{base}/audio").faults
    assert (fault.path, fault.kind) == (f"{base}/audio/b/unnamed.mp3", FaultKind.NO_METADATA)
    assert fault.detail == f"no row in {base}/t.csv"


def test_a_name_may_have_a_backslash_and_a_cell_blanks(folder: Fill) -> None:
    base = folder({
        "audio/AC\\DC.mp3": b"", "audio/b.mp3": b"",
        "t.csv": b"genre, path\nRock, b.mp3\nRock,AC\\DC.mp3\n",
    })  # fmt: skip
    tracks = read_at(f"{base}/audio").tracks
    assert [track.path for track in tracks] == [f"{base}/audio/b.mp3", f"{base}/audio/AC\\DC.mp3"]
