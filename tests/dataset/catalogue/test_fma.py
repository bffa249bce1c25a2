"""An archive in FMA's shape: which of its tracks have a row, a label and a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from common.errors import InputError
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue import fma
from dataset.catalogue.listing import list_audio
from dataset.config import DataConfig
from dataset.track import Catalogue
from tests.conftest import Archive, TracksCsv
from tests.features_csv import COLUMNS, to_csv

Fill = Callable[[Mapping[str, bytes]], str]


def read(data: DataConfig) -> Catalogue:
    """Return what an archive in FMA's shape has."""
    return fma.read_archive(data, list_audio(data))


def ids(catalogue: Catalogue) -> list[int]:
    """Return the ids of the tracks, in their order."""
    return [track.row.track_id for track in catalogue.tracks]


def test_what_is_wrong_before_a_file_is_opened(archive: Archive, tmp_path: Path) -> None:
    data = archive(
        {2: {}, 3: {"track.genre_top": ""}, 4: {}, 5: {"set.subset": "large"}},
        {
            "000/000002.mp3": b"x",
            "000/000002.wav": b"x",
            "000/000003.mp3": b"x",
            "000/000009.mp3": b"x",
            "000/cover.jpg": b"x",
            "000/sleeve": b"x",
        },
    )
    catalogue = read(data)
    assert catalogue.left_out == {"*.jpg": 1}
    audio = tmp_path / "audio" / "000"
    assert [track.path for track in catalogue.tracks] == [f"{audio}/000002.mp3"]
    found = {(fault.track_id, fault.kind): fault for fault in catalogue.faults}
    assert len(catalogue.faults) == len(found)
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


def test_a_file_that_must_not_be_opened_is_not_missing_too(
    archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "secret.mp3").write_bytes(b"x")
    rows = {2: {}, 3: {}, 4: {"set.subset": "large"}}
    data = archive(rows, {"000/000002.mp3": b"x"})
    for name in ("000003", "000004", "x"):
        (tmp_path / "audio" / "000" / f"{name}.mp3").symlink_to(tmp_path / "secret.mp3")
    catalogue = read(data)
    assert ids(catalogue) == [2]
    # Track 4 is of another subset, so its file is of no interest.
    assert sorted((fault.track_id, fault.kind) for fault in catalogue.faults) == [
        (-1, FaultKind.OUTSIDE_FOLDER), (3, FaultKind.OUTSIDE_FOLDER),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["000/000002.flac", "000/000002.MP3", "any/2.ogg"])
def test_the_format_and_the_folder_do_not_matter(archive: Archive, name: str) -> None:
    assert ids(read(archive({2: {}}, {name: b"x"}))) == [2]


def test_missing_folders_and_tables_are_named(tmp_path: Path, archive: Archive) -> None:
    data = archive({2: {}}, {"000/000002.mp3": b"x"})
    missing = dataclasses.replace(data, metadata_dir=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"the metadata folder .*/nowhere does not exist"):
        read(missing)
    with pytest.raises(InputError, match=r"there is no tracks\.csv in .*/audio"):
        read(dataclasses.replace(data, metadata_dir=data.audio_dir))
    with pytest.raises(InputError, match=r"there is no genres\.csv in .*/metadata"):
        read(dataclasses.replace(data, labels="tree"))
    with pytest.raises(InputError, match=r"there is no features\.csv in .*/metadata"):
        read(dataclasses.replace(data, fma_features=True))


@pytest.mark.parametrize("name", ["", "000", "a/b/c"])
def test_a_folder_without_fmas_prefix_folders_holds_no_audio(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "audio"
    (folder / name).mkdir(parents=True)
    (folder / "000002.mp3").write_bytes(b"not in a prefix folder")
    with pytest.raises(InputError, match=r"holds no files like 000/000002\.mp3"):
        read(DataConfig(str(folder), str(tmp_path)))


def test_the_first_span_with_a_track_is_used(place: Fill, tracks_csv: TracksCsv) -> None:
    base = place({
        "m/tracks.csv": tracks_csv({2: {}, 3: {}, 4: {}}),
        "d/01/audio/000/000002.mp3": b"", "d/02/audio/000/000002.mp3": b"",
        "d/02/audio/000/000003.mp3": b"", "d/05/audio/000/000004.mp3": b"",
    })  # fmt: skip
    data = DataConfig(f"{base}/d/{{SPAN:2}}/audio", f"{base}/m", span="1-4")
    catalogue = read(data)
    assert [(track.row.track_id, track.span, track.path) for track in catalogue.tracks] == [
        (2, 1, f"{base}/d/01/audio/000/000002.mp3"), (3, 2, f"{base}/d/02/audio/000/000003.mp3"),
    ]  # fmt: skip
    assert {fault.kind: (fault.track_id, fault.detail) for fault in catalogue.faults} == {
        FaultKind.DUPLICATE_FILE: (2, f"{base}/d/01/audio/000/000002.mp3 is used"),
    }
    # The table covers all deliveries.
    assert catalogue.left_out == {"without a file in these spans": 1}
    assert ids(read(dataclasses.replace(data, span="all"))) == [2, 3, 4]


GENRES_CSV = b"""genre_id,#tracks,parent,title,top_level
12,9,0,Rock,12
17,9,0,Folk,17
45,2,12,Loud,12
46,2,45,Louder,12
"""


@pytest.fixture
def unlabelled(place: Fill, tracks_csv: TracksCsv) -> Callable[..., DataConfig]:
    """Return a writer of an archive of tracks without a top genre, with these lists of genres."""

    def write(genres: Mapping[int, str], **labelled: str) -> DataConfig:
        rows = {k: {"track.genre_top": "", "track.genres": ids} for k, ids in genres.items()}
        base = place({
            "m/tracks.csv": tracks_csv({2: labelled, **rows}), "m/genres.csv": GENRES_CSV,
            **{f"a/000/00000{track_id}.mp3": b"" for track_id in (2, *genres)},
        })  # fmt: skip
        return DataConfig(f"{base}/a", f"{base}/m", labels="tree")

    return write


def test_the_tree_labels_what_has_no_top_genre(unlabelled: Callable[..., DataConfig]) -> None:
    genres = {3: "[45]", 4: "[45, 17]", 5: "[]", 6: "[46, 45, 12]"}
    data = unlabelled(genres, **{"track.genre_top": "Pop", "track.genres": "[17]"})
    by_top = read(dataclasses.replace(data, labels="genre_top"))
    assert ids(by_top) == [2]
    assert {fault.detail for fault in by_top.faults} == {"genre_top is empty"}
    catalogue = read(data)
    assert [(track.row.track_id, track.row.genre) for track in catalogue.tracks] == [
        (2, "Pop"), (3, "Rock"), (6, "Rock"),
    ]  # fmt: skip
    detail = "its genres do not lead to one top genre of genres.csv"
    assert [(fault.track_id, fault.kind, fault.detail) for fault in catalogue.faults] == [
        (4, FaultKind.NO_GENRE, detail), (5, FaultKind.NO_GENRE, detail),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("genres", "expected"),
    [
        ("", "column track.genres of tracks.csv, which is missing or empty"),
        ("[12, 9]", "track.genres of track 3: genres.csv has no genre 9"),
    ],
)
def test_what_the_tree_cannot_do_without(
    unlabelled: Callable[..., DataConfig], genres: str, expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        read(unlabelled({3: genres}))


def numbers(track_id: int) -> list[float]:
    """Return the features of a track."""
    return [track_id + place / 8 for place in range(len(COLUMNS))]


def changed(place: int, cell: str) -> list[float | str]:
    """Return features with another cell in one place."""
    return [*numbers(2)[:place], cell, *numbers(2)[place + 1 :]]


@pytest.fixture
def features_of(archive: Archive) -> Callable[[bytes], DataConfig]:
    """Return a writer of an archive of tracks 2, 3, 4 and 5, with this features.csv."""

    def write(table: bytes) -> DataConfig:
        data = archive(
            {track_id: {} for track_id in (2, 3, 4, 5)},
            {f"000/00000{track_id}.mp3": b"x" for track_id in (2, 3, 4, 5)},
            fma_features=True,
        )
        Path(data.metadata_dir, "features.csv").write_bytes(table)
        return data

    return write


Features = Callable[[bytes], DataConfig]


def test_a_track_without_features_is_left_out_and_listed(features_of: Features) -> None:
    data = features_of(to_csv({2: numbers(2), 4: changed(0, ""), 5: changed(517, "inf")}))
    catalogue = read(data)
    assert ids(catalogue) == [2]
    missing = "{} is missing or not finite in features.csv"
    assert [(fault.track_id, fault.kind, fault.detail) for fault in catalogue.faults] == [
        (3, FaultKind.NO_FEATURES, "no row in features.csv"),
        (4, FaultKind.NO_FEATURES, missing.format("chroma_cens.kurtosis.01")),
        (5, FaultKind.NO_FEATURES, missing.format("zcr.std.01")),
    ]


def test_features_of_other_tracks_are_refused(features_of: Features) -> None:
    with pytest.raises(InputError, match=r"features\.csv has no row for any of the 4 tracks"):
        read(features_of(to_csv({90: numbers(90)})))


def test_a_picture_beside_the_audio_does_not_take_its_place(
    place: Fill, tracks_csv: TracksCsv
) -> None:
    names = ("000002.lrc", "000002.mp3", "000003.jpg", "000003.wav", "000003.bin")
    base = place({"m/tracks.csv": tracks_csv({2: {}, 3: {}})} | {f"d/000/{n}": b"" for n in names})
    catalogue = read(DataConfig(f"{base}/d", f"{base}/m"))
    paths = [track.path.rpartition("/")[2] for track in catalogue.tracks]
    assert paths == ["000002.mp3", "000003.wav"]
    assert [(fault.path, fault.kind) for fault in catalogue.faults] == [
        (f"{base}/d/000/000003.bin", FaultKind.DUPLICATE_FILE)
    ]
    assert catalogue.left_out == {"*.jpg": 1, "*.lrc": 1}


@pytest.mark.parametrize("subset", ["small", "medium"])
def test_a_folder_one_level_too_high_is_told_that_of_the_subset(
    place: Fill, tracks_csv: TracksCsv, subset: str
) -> None:
    base = place({
        "d/fma_metadata/tracks.csv": tracks_csv({2: {}}),
        **{f"d/fma_{name}/000/000002.mp3": b"" for name in ("medium", "small")},
    })  # fmt: skip
    with pytest.raises(InputError, match=rf"000002\.mp3: use --audio-dir {base}/d/fma_{subset}$"):
        read(DataConfig(f"{base}/d", f"{base}/d/fma_metadata", subset=subset))


@pytest.mark.parametrize("wrong", ["d", "d/fma_metadata/deeper", "d/fma_metadata/tracks.csv"])
def test_metadata_one_level_off_are_told_their_folder(
    place: Fill, tracks_csv: TracksCsv, wrong: str
) -> None:
    base = place({
        "d/fma_metadata/tracks.csv": tracks_csv({2: {}}), "d/fma_metadata/deeper/x": b"",
        "d/fma_small/000/000002.mp3": b"",
    })  # fmt: skip
    with pytest.raises(InputError) as caught:
        read(DataConfig(f"{base}/d/fma_small", f"{base}/{wrong}"))
    right = f"{base}/d/fma_metadata"
    assert str(caught.value) == (
        f"there is no tracks.csv in {base}/{wrong}, but in {right}: use --metadata-dir {right}"
    )


def test_fmas_folders_that_are_links_are_named_with_the_flag_that_reads_them(
    archive: Archive, tmp_path: Path
) -> None:
    data = archive({2: {}}, {"store/000002.mp3": b"x"})
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "000").symlink_to(tmp_path / "audio" / "store")
    linked = dataclasses.replace(data, audio_dir=str(tmp_path / "linked"))
    with pytest.raises(InputError, match=r"\(1, the first is .*/linked/000\): use --follow-links"):
        read(linked)
    assert ids(read(dataclasses.replace(linked, follow_links=True))) == [2]
