"""FMA's metadata: the table as FMA lays it out, what is wrong with it, and the plan."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from components.fma_example_gen.faults import Fault, FaultKind
from components.fma_example_gen.tracks import (
    Row,
    check_trainable,
    find_audio,
    plan_ingest,
    read_tracks,
    track_id_of,
)
from pipeline.config import DataConfig
from pipeline.errors import InputError

TracksCsv = Callable[..., bytes]
Archive = Callable[..., DataConfig]

NEEDED = (
    "set.split", "set.subset", "artist.id", "album.id", "track.genre_top", "track.title",
    "track.license",
)  # fmt: skip


def read(data: bytes) -> dict[int, Row]:
    """Return the rows of a table called T."""
    return read_tracks(io.BytesIO(data), "T")


def refusal(data: bytes) -> str:
    """Return the sentence with which a table called T is refused."""
    with pytest.raises(InputError) as caught:
        read(data)
    return str(caught.value)


def test_a_row_is_read_from_fmas_52_columns(tracks_csv: TracksCsv) -> None:
    values = {
        "artist.id": "132", "album.id": "4009", "set.split": "validation",
        "set.subset": "medium", "track.genre_top": "Hip-Hop", "track.title": "Ámbar, «2»",
        "track.license": "CC0",
    }  # fmt: skip
    data = tracks_csv({2: values, 3: {}})
    assert data.splitlines()[0].count(b",") == 52
    row = Row(2, 132, 4009, "Hip-Hop", "Ámbar, «2»", "CC0", "validation", "medium")
    assert read(data) == {2: row, 3: Row(3, 1, 7, "Rock", "A title", "CC BY", "training", "small")}


def test_columns_are_found_by_name_wherever_they_are(tracks_csv: TracksCsv) -> None:
    rows = {5: {"artist.id": "9"}}
    assert read(tracks_csv(rows, columns=sorted(NEEDED))) == read(tracks_csv(rows))


def test_quoted_fields_may_hold_commas_quotes_and_lines(tracks_csv: TracksCsv) -> None:
    rows = {2: {"track.title": 'A "quoted",\ntitle\r\nof three lines'}, 3: {"artist.bio": "x\n\n"}}
    read_back = read(tracks_csv(rows))
    assert read_back[2].title == 'A "quoted",\ntitle\r\nof three lines'
    assert list(read_back) == [2, 3]


def test_a_biography_may_be_longer_than_the_csv_modules_limit(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {"artist.bio": "b" * 200_000, "track.title": "after the bio"}})
    assert read(data)[2].title == "after the bio"


def test_fields_that_fma_leaves_empty(tracks_csv: TracksCsv) -> None:
    row = read(tracks_csv({2: {"artist.id": "", "album.id": "", "track.genre_top": ""}}))[2]
    assert (row.artist_id, row.album_id, row.genre) == (-1, -1, "")


@pytest.mark.parametrize(
    ("released", "recorded", "year"),
    [
        ("2009-01-05 00:00:00", "2008-11-26 00:00:00", 2009),
        ("", "2008-11-26 00:00:00", 2008),
        ("soon", "2008-11-26", 2008),
        ("", "", -1),
        ("09-01-05", "2008", -1),
    ],
)
def test_the_year_is_that_of_the_release_else_of_the_recording(
    tracks_csv: TracksCsv, released: str, recorded: str, year: int
) -> None:
    values = {
        "album.date_released": released, "track.date_recorded": recorded,
        "album.date_created": "2011-01-01 00:00:00", "track.date_created": "2012-01-01 00:00:00",
    }  # fmt: skip
    assert read(tracks_csv({2: values}))[2].year == year


def test_a_table_without_dates_has_no_years(tracks_csv: TracksCsv) -> None:
    rows = {2: {"album.date_released": "2009-01-05", "track.date_recorded": "2008-11-26"}}
    assert read(tracks_csv(rows, columns=NEEDED))[2].year == -1
    recorded = (*NEEDED, "track.date_recorded")
    assert read(tracks_csv(rows, columns=recorded))[2].year == 2008


def test_empty_lines_are_skipped(tracks_csv: TracksCsv) -> None:
    assert list(read(tracks_csv({2: {}}) + b"\n\n")) == [2]


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_column_is_named(tracks_csv: TracksCsv, missing: str) -> None:
    data = tracks_csv({2: {}}, columns=[name for name in NEEDED if name != missing])
    assert refusal(data) == f"T is not FMA's tracks.csv: column {missing} is missing"


def test_a_table_of_another_index_is_refused(tracks_csv: TracksCsv) -> None:
    expected = "T is not FMA's tracks.csv: the third row has no track_id"
    assert refusal(tracks_csv({2: {}}, index="genre_id")) == expected


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_a_table_without_three_header_rows_is_refused(tracks_csv: TracksCsv, lines: int) -> None:
    data = b"".join(tracks_csv({}).splitlines(keepends=True)[:lines])
    assert refusal(data) == "T is not FMA's tracks.csv: it has no three header rows"


def test_a_table_that_is_not_utf_8_is_refused(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {"track.title": "Café"}}).replace("é".encode(), b"\xe9")
    assert refusal(data).startswith("T is damaged near line ")
    assert "utf-8" in refusal(data)


def test_a_nul_byte_is_named_by_its_line(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {}, 3: {"track.title": "a~b"}}).replace(b"~", b"\0")
    assert refusal(data) == "T is damaged near line 5: line contains NUL"
    data = tracks_csv({2: {}}).replace(b"title", b"ti\0tle")
    assert refusal(data) == "T is damaged near line 2: line contains NUL"


@pytest.mark.parametrize(
    ("column", "field", "value"),
    [
        ("artist.id", "artist_id", "4.0"),
        ("artist.id", "artist_id", "1e5"),
        ("artist.id", "artist_id", "9" * 19),
        ("album.id", "album_id", "x"),
        ("artist.id", "artist_id", " "),
    ],
)
def test_an_id_that_is_no_whole_number_names_line_and_column(
    tracks_csv: TracksCsv, column: str, field: str, value: str
) -> None:
    data = tracks_csv({2: {"track.title": "two\nlines"}, 3: {column: value}})
    assert refusal(data) == f"T, line 6: {field} is {value!r}, not a whole number"


def test_fma_writes_minus_one_for_no_album(tracks_csv: TracksCsv) -> None:
    assert read(tracks_csv({2: {"album.id": "-1"}}))[2].album_id == -1


def test_a_track_without_an_id_names_its_line(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {}}) + tracks_csv({2: {}}).splitlines()[-1][1:] + b"\n"
    assert refusal(data) == "T, line 5: track_id is '', not a whole number"


def test_a_short_row_names_its_line(tracks_csv: TracksCsv) -> None:
    assert refusal(tracks_csv({2: {}}) + b"3,x,y\n") == "T, line 5: the row ends after 3 columns"


def test_a_track_with_two_rows_is_refused(tracks_csv: TracksCsv) -> None:
    data = tracks_csv({2: {}}) + tracks_csv({2: {}}).splitlines()[-1]
    assert refusal(data) == "T has more than one row for track 2"


@pytest.mark.parametrize(
    ("path", "track_id"),
    [
        ("/a/000/000002.mp3", 2),
        ("gs://b/155/155066.wav", 155_066),
        ("000\\000003.flac", 3),
        ("000/0000010.ogg", 10),
        ("000/README.txt", -1),
        ("000/000002", -1),
        ("000/000002.mp3.part", -1),
        ("000002.mp3/x.mp3", -1),
    ],
)
def test_the_track_id_is_the_name_of_the_file(path: str, track_id: int) -> None:
    assert track_id_of(path) == track_id


@pytest.mark.parametrize(
    ("subset", "expected"),
    [("small", [2]), ("medium", [2, 3]), ("large", [2, 3, 4, 5]), ("full", [2, 3, 4, 5])],
)
def test_a_subset_includes_the_smaller_ones(
    archive: Archive, subset: str, expected: list[int]
) -> None:
    sizes = {2: "small", 3: "medium", 4: "large", 5: "full"}
    data = archive(
        {track_id: {"set.subset": size} for track_id, size in sizes.items()},
        {f"000/00000{track_id}.mp3": b"x" for track_id in sizes},
        subset=subset,
    )
    plan = plan_ingest(data)
    assert [track.row.track_id for track in plan.tracks] == expected
    assert plan.faults == []


def test_fmas_own_split_is_kept(archive: Archive) -> None:
    splits = {2: "training", 3: "validation", 4: "test"}
    data = archive(
        {track_id: {"set.split": split} for track_id, split in splits.items()},
        {f"000/00000{track_id}.mp3": b"x" for track_id in splits},
    )
    plan = plan_ingest(data)
    assert [(t.row.track_id, t.split) for t in plan.tracks] == [
        (2, "train"), (3, "eval"), (4, "test"),
    ]  # fmt: skip
    assert plan.clips == {("train", "Rock"): 1, ("eval", "Rock"): 1, ("test", "Rock"): 1}


def test_an_unknown_split_value_names_the_track(archive: Archive) -> None:
    data = archive({2: {"set.split": "dev"}}, {"000/000002.mp3": b"x"})
    with pytest.raises(InputError, match=r"set\.split of track 2 is 'dev', expected one of"):
        plan_ingest(data)


def test_the_artist_hash_does_not_look_at_fmas_split(archive: Archive) -> None:
    artists = {1: "", 2: "1", 3: "1", 4: "3", 5: "4"}
    data = archive(
        {track_id: {"artist.id": a, "set.split": "dev"} for track_id, a in artists.items()},
        {f"000/00000{track_id}.mp3": b"x" for track_id in artists},
        split="artist-hash",
    )
    # Track 1 has no artist and stands for one of its own, who is not artist 1.
    assert {t.row.track_id: t.split for t in plan_ingest(data).tracks} == {
        1: "train", 2: "eval", 3: "eval", 4: "test", 5: "train",
    }  # fmt: skip


def test_what_is_wrong_before_a_file_is_opened(archive: Archive, tmp_path: Path) -> None:
    data = archive(
        {2: {}, 3: {"track.genre_top": ""}, 4: {}, 5: {"set.subset": "large"}},
        {
            "000/000002.mp3": b"x",
            "000/000002.wav": b"x",
            "000/000003.mp3": b"x",
            "000/000009.mp3": b"x",
            "000/cover.jpg": b"x",
        },
    )
    plan = plan_ingest(data)
    audio = tmp_path / "audio" / "000"
    assert [track.path for track in plan.tracks] == [f"{audio}/000002.mp3"]
    found = {(fault.track_id, fault.kind): fault for fault in plan.faults}
    assert set(found) == {
        (2, FaultKind.DUPLICATE_FILE),
        (3, FaultKind.NO_GENRE),
        (4, FaultKind.MISSING_FILE),
        (9, FaultKind.NO_METADATA),
        (-1, FaultKind.NO_METADATA),
    }
    duplicate = found[2, FaultKind.DUPLICATE_FILE]
    assert duplicate == Fault(
        f"{audio}/000002.wav", 2, FaultKind.DUPLICATE_FILE, f"{audio}/000002.mp3 is used"
    )
    assert found[9, FaultKind.NO_METADATA].path == f"{audio}/000009.mp3"
    assert found[4, FaultKind.MISSING_FILE].path == f"{audio}/000004.*"
    assert found[3, FaultKind.NO_GENRE].path == f"{audio}/000003.mp3"


def test_planted_faults_of_a_corpus_are_found_in_its_table_and_folder(
    corpus_data: DataConfig,
) -> None:
    plan = plan_ingest(corpus_data)
    kinds = sorted(fault.kind.value for fault in plan.faults)
    assert kinds == ["missing_file", "no_genre", "no_metadata"]
    assert len(plan.tracks) == 8 * 6 + 4


TRAINABLE = {(split, genre): 1 for split in ("train", "eval", "test") for genre in ("Folk", "Rock")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (dict.fromkeys(TRAINABLE, 0), "there is no usable audio in W"),
        (
            {(split, "Folk"): 0 for split in ("train", "eval", "test")},
            "W holds a single genre, 'Rock': nothing to tell apart",
        ),
        ({("train", "Folk"): 0}, "genre 'Folk' has no usable train track in W"),
        ({("eval", g): 0 for g in ("Folk", "Rock")}, "the eval split is empty in W"),
        ({("test", g): 0 for g in ("Folk", "Rock")}, "the test split is empty in W"),
    ],
)
def test_what_cannot_train_a_classifier_is_refused(
    changes: dict[tuple[str, str], int], expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_trainable({**TRAINABLE, **changes}, "W")
    assert str(caught.value) == expected


def test_one_genre_may_be_missing_outside_of_train() -> None:
    check_trainable({**TRAINABLE, ("eval", "Folk"): 0, ("test", "Rock"): 0}, "W")


def test_missing_folders_and_tables_are_named(tmp_path: Path, archive: Archive) -> None:
    data = archive({2: {}}, {"000/000002.mp3": b"x"})
    with pytest.raises(InputError, match=r"the audio folder .*/nowhere does not exist"):
        find_audio(str(tmp_path / "nowhere"))
    missing = DataConfig(data.audio_dir, str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"the metadata folder .*/nowhere does not exist"):
        plan_ingest(missing)
    with pytest.raises(InputError, match=r"there is no tracks\.csv in .*/audio"):
        plan_ingest(DataConfig(data.audio_dir, data.audio_dir))


@pytest.mark.parametrize("name", ["", "000", "a/b/c"])
def test_a_folder_without_fmas_prefix_folders_holds_no_audio(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "audio"
    (folder / name).mkdir(parents=True)
    (folder / "000002.mp3").write_bytes(b"not in a prefix folder")
    with pytest.raises(InputError, match=r"holds no files like 000/000002\.mp3"):
        find_audio(str(folder))


def test_a_folder_whose_name_would_be_a_pattern_is_refused(tmp_path: Path) -> None:
    (tmp_path / "br[ack]et" / "000").mkdir(parents=True)
    with pytest.raises(InputError, match=r"br\[ack\]et has one of \* \? \[ in its path"):
        find_audio(str(tmp_path / "br[ack]et"))


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, archive: Archive) -> None:
    data = archive({2: {}}, {"000/000002.mp3": b"x"})
    (tmp_path / "other" / "tracks.csv").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot read .*/other/tracks\.csv"):
        plan_ingest(DataConfig(data.audio_dir, str(tmp_path / "other")))


def test_artists_in_two_splits_are_found(archive: Archive) -> None:
    rows = {
        2: {"artist.id": "7", "set.split": "training"},
        3: {"artist.id": "7", "set.split": "test"},
        4: {"artist.id": "8", "set.split": "test"},
        5: {"artist.id": "", "set.split": "training"},
        6: {"artist.id": "", "set.split": "test"},
    }
    files = {f"000/{track:06d}.mp3": b"x" for track in rows}
    data = archive(rows, files)
    assert plan_ingest(data).straddling_artists == [7]
    by_artist = DataConfig(data.audio_dir, data.metadata_dir, split="artist-hash")
    assert plan_ingest(by_artist).straddling_artists == []
