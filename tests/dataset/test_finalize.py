"""From clips to splits: what is refused, when, and what the summary says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from common.errors import InputError
from dataset.bad_files import Fault, FaultKind
from dataset.catalogue.plan import plan_ingest
from dataset.config import AudioConfig, DataConfig
from dataset.copy_plan import Copy
from dataset.finalize import Conclusion, check_faults, conclude, preview
from dataset.track import Catalogue, Row, Track
from dataset.validation import Outcome

OWN = DataConfig("a", tracks_csv="t.csv", max_bad_fraction=1.0)
# Folk and Rock in each split, by an artist each.
ROWS = [
    Row(n, artist_id=n, genre=("Folk", "Rock")[n % 2], split=("train", "eval", "test")[n // 2])
    for n in range(6)
]


def catalogue(*rows: Row) -> Catalogue:
    tracks = [Track(row, f"{row.track_id}.wav") for row in (*ROWS, *rows)]
    return Catalogue(tracks, [], {"*.jpg": 2}, has_splits=True, where="W", hint="; a hint")


def concluded(
    some: Catalogue, data: DataConfig, **changes: Outcome
) -> tuple[Conclusion, list[Copy]]:
    """Return what clips come to; each is good and a recording of its own, but for changes."""
    outcomes = {
        f"_{track.row.track_id}": Outcome(track.row.track_id, 0, f"{track.row.track_id}", 2.0)
        for track in some.tracks
    }
    return conclude(some, [*(outcomes | changes).values()], data, AudioConfig(), "L.csv")


def test_a_conclusion_has_faults_a_summary_and_where_each_clip_goes() -> None:
    some = catalogue(dataclasses.replace(ROWS[0], track_id=6), Row(7, genre="Rock", split="train"))
    data = dataclasses.replace(OWN, max_bad_fraction=0.125)
    outcomes = {"_6": Outcome(6, 0, "0", 2.0), "_7": Outcome(7, 0, kind="silent", detail="S")}
    conclusion, (copy,) = concluded(some, data, **outcomes)
    assert conclusion.faults == [
        Fault("6.wav", 6, FaultKind.DUPLICATE_AUDIO, "sounds like 0.wav"),
        Fault("7.wav", 7, FaultKind.SILENT, "S"),
    ]
    splits = conclusion.summary.pop("splits")
    assert splits["train"] == dict.fromkeys(["Folk", "Rock"], {"clips": 1, "artists": 1})
    assert conclusion.summary == {
        "clips": dict.fromkeys(["train", "eval", "test"], {"Folk": 1, "Rock": 1}),
        "faults": {"duplicate_audio": 1, "silent": 1},
        "left_out": {"*.jpg": 2},
        "overlaps": {"artists": [], "audio": []},
    }
    assert copy.split_of == {row.track_id: row.split for row in ROWS}
    strict = dataclasses.replace(data, on_fault=("duplicate_audio=fail",))
    assert "run fail for duplicate_audio" in concluded(some, strict, **outcomes)[0].refusal


def test_splits_that_share_an_artist_are_refused_at_once_unless_they_may() -> None:
    some = catalogue(Row(6, artist_id=0, genre="Folk", split="test"))
    with pytest.raises(InputError, match=r"W: .*artist 0.*--allow-leaks .*; a hint$"):
        preview(some, OWN)
    allowed = dataclasses.replace(OWN, allow_leaks=True)
    assert preview(some, allowed)["artists_in_two_splits"] == 1
    assert concluded(some, allowed)[0].summary["overlaps"] == {"artists": [0], "audio": []}


def test_audio_in_two_splits_is_refused_once_it_is_decoded_unless_it_may_be() -> None:
    some = catalogue(Row(6, artist_id=6, genre="Folk", split="train"))
    preview(some, OWN)
    copy_of_4 = Outcome(6, 0, "4", 2.0)
    conclusion, copies = concluded(some, OWN, _6=copy_of_4)
    assert "tracks 4, 6" in conclusion.refusal
    assert conclusion.refusal.endswith("; a hint")
    assert (conclusion.summary, copies) == ({}, [])
    allowed, (copy,) = concluded(some, dataclasses.replace(OWN, allow_leaks=True), _6=copy_of_4)
    assert allowed.summary["overlaps"] == {"artists": [], "audio": [[4, 6]]}
    assert 6 not in copy.split_of


def test_a_genre_whose_only_train_clip_is_bad_is_refused_with_the_list() -> None:
    conclusion, copies = concluded(catalogue(), OWN, _1=Outcome(1, 0, kind="silent", detail=""))
    assert "genre 'Rock' has no usable train track in W" in conclusion.refusal
    assert [fault.track_id for fault in conclusion.faults] == [1]
    assert copies == []


@pytest.mark.parametrize(
    ("kind", "n_good", "expected"),
    [
        ("silent", 6, ""),  # the allowed share itself is not too many
        ("silent", 5, "2 of 7 tracks are bad, more than the 25% that --max-bad-fraction allows"),
        ("no_genre", 0, ""),  # does not count as bad
        ("too_short", 6, "--on-fault lets the run fail for too_short: 2 found, the first is a (D)"),
    ],
)
def test_too_many_faults_are_refused_with_the_first_or_the_list(
    kind: str, n_good: int, expected: str
) -> None:
    data = dataclasses.replace(OWN, max_bad_fraction=0.25, on_fault=("too_short=fail",))
    faults = [Fault("a", n, FaultKind(kind), "D") for n in range(2)]
    if not expected:
        check_faults(faults, n_good, data, "L.csv")
        return
    with pytest.raises(InputError) as caught:
        check_faults(faults, n_good, data, "L.csv")
    assert str(caught.value) == f"{expected}; see L.csv"
    with pytest.raises(InputError) as caught:
        check_faults(faults, n_good, data)
    first = f"; the first is a: {kind}, D" if kind == "silent" else ""
    assert str(caught.value) == f"{expected}{first}"


@pytest.fixture
def by_genre(tmp_path: Path) -> Path:
    """Return a folder per genre with three artists each, a song each."""
    for number in range(6):
        folder = tmp_path / "music" / ("Folk", "Rock")[number % 2] / f"artist {number}"
        folder.mkdir(parents=True)
        (folder / "song.wav").write_bytes(b"")
    return tmp_path / "music"


@pytest.mark.parametrize(
    ("max_bad_fraction", "expected"),
    [(1.0, "holds a single genre, 'Folk'"), (0.1, "1 of 4 tracks are bad, .*outside_folder")],
)
def test_a_lack_of_clips_is_told_the_links_that_are_not_followed(
    by_genre: Path, tmp_path: Path, max_bad_fraction: float, expected: str
) -> None:
    (by_genre / "Rock").rename(tmp_path / "elsewhere")
    (by_genre / "Rock").symlink_to(tmp_path / "elsewhere")
    data = DataConfig(str(by_genre), max_bad_fraction=max_bad_fraction)
    with pytest.raises(InputError, match=rf"{expected}.*; links .*/Rock\): use --follow-links"):
        preview(plan_ingest(data), data)
    followed = dataclasses.replace(data, follow_links=True)
    assert preview(plan_ingest(followed), followed)["totals"]["train"] == {"clips": 2, "artists": 2}


def test_a_folder_per_genre_one_level_too_high_is_told_the_one_that_fits(by_genre: Path) -> None:
    data = DataConfig(str(by_genre.parent))
    expected = rf"genre 'music' .*; if .* are the genres, use --audio-dir {by_genre}$"
    with pytest.raises(InputError, match=expected):
        preview(plan_ingest(data), data)
