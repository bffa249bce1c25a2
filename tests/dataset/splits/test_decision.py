"""Who decides the splits; the archive's own are kept, and refused where they leak."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.config import DataConfig
from dataset.splits.decision import Decision, decide, split_policy
from dataset.splits.groups import Clip
from dataset.splits.leaks import Leaks, find_leaks

ARCHIVES = {"fma": {"metadata_dir": "m"}, "table": {"tracks_csv": "t.csv"}, "folders": {}}
OWN = pytest.mark.parametrize("policy", ["official", "file"])


@pytest.mark.parametrize(
    ("wanted", "archive", "has_splits", "expected"),
    [
        ("auto", "fma", True, "official"),
        ("auto", "fma", False, "artist-grouped"),
        ("auto", "table", True, "file"),
        ("auto", "table", False, "artist-grouped"),
        ("auto", "folders", False, "artist-grouped"),
        ("official", "fma", True, "official"),
        ("file", "table", True, "file"),
        ("artist-grouped", "fma", True, "artist-grouped"),
        ("artist-grouped", "folders", False, "artist-grouped"),
    ],
)
def test_policies(wanted: str, archive: str, has_splits: bool, expected: str) -> None:
    data = DataConfig("a", split=wanted, **ARCHIVES[archive])
    assert split_policy(data, has_splits) == expected


@pytest.mark.parametrize(
    ("wanted", "archive", "has_splits", "needed", "fitting"),
    [
        ("official", "table", True, "--metadata-dir", "--split file or --split artist-grouped"),
        ("official", "folders", False, "--metadata-dir", "--split artist-grouped"),
        ("official", "fma", False, "--metadata-dir", "--split artist-grouped"),
        ("file", "fma", True, "--tracks-csv", "--split official or --split artist-grouped"),
        ("file", "table", False, "column split", "--split artist-grouped"),
        ("file", "folders", False, "--tracks-csv", "--split artist-grouped"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_with_those_that_do(
    wanted: str, archive: str, has_splits: bool, needed: str, fitting: str
) -> None:
    with pytest.raises(InputError, match=rf"--split {wanted} .*{needed}.*: use {fitting}$"):
        split_policy(DataConfig("a", split=wanted, **ARCHIVES[archive]), has_splits)


def clip(track_id: int, split: str, artist_id: int = -1, digest: str = "", album: int = -1) -> Clip:
    artist = f"Artist {artist_id}" if artist_id >= 0 else ""
    return Clip(track_id, "Rock", artist_id, album, digest, split, artist=artist)


def own(clips: list[Clip], policy: str = "file", *, allow_leaks: bool = False) -> Decision:
    return decide(clips, policy, allow_leaks=allow_leaks, where="W")


def refusal(clips: list[Clip], policy: str = "file", *, allow_leaks: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        own(clips, policy, allow_leaks=allow_leaks)
    return str(caught.value)


@OWN
def test_own_splits_are_kept_and_a_recording_is_used_once(policy: str) -> None:
    clips = [
        clip(1, "train", 1, "a", album=7), clip(2, "eval", 2, "b", album=7),
        clip(5, "test", 3, "c"), clip(4, "test", 4, "c"), clip(9, "test", 3, "c"),
    ]  # fmt: skip
    expected = Decision({1: "train", 2: "eval", 4: "test"}, {5: 4, 9: 4}, Leaks())
    assert own(clips, policy) == own(clips[::-1], policy) == expected


@pytest.mark.parametrize("split", ["", "dev", "training"])
def test_the_first_clip_without_a_split_is_named(split: str) -> None:
    assert refusal([clip(8, split), clip(1, "train"), clip(3, split)], allow_leaks=True) == (
        f"W: the split of track 3 is {split!r}, expected one of train, eval, test: fill it in, or "
        "use --split artist-grouped"
    )


@OWN
def test_leaks_are_refused_with_what_to_do(policy: str) -> None:
    clips = [
        clip(1, "train", 7, "a"), clip(2, "train", 7, "b"), clip(3, "test", 7, "c"),
        clip(4, "eval", 8, "c"), Clip(5, "Rock", 9, split="eval"), Clip(6, "Rock", 9, split="test"),
    ]  # fmt: skip
    assert refusal(clips, policy) == (
        "W: its own splits share 2 artists ('Artist 7', artist 7: 2 train, 1 test; artist 9: 1 "
        "eval, 1 test) and 1 recording (tracks 3, 4): use --split artist-grouped, or --allow-leaks "
        "to go on with a warning in the report"
    )


def test_at_most_ten_leaks_are_listed() -> None:
    def leaking(artists: int) -> list[Clip]:
        return [
            clip(2 * artist + at, split, artist)
            for artist in range(artists)
            for at, split in enumerate(("train", "test"))
        ]

    assert "'Artist 9', artist 9: 1 train, 1 test): use" in refusal(leaking(10))
    assert "'Artist 9', artist 9: 1 train, 1 test and 1 more): use" in refusal(leaking(11))


def test_only_what_is_in_two_splits_is_a_leak() -> None:
    clips = [
        clip(1, "train", 10, "a"), clip(2, "train", 10, "a"),  # alike, but within a split
        clip(9, "test", 41, "c"), clip(3, "eval", 30, "c"), clip(4, "test", 40, "c"),
        clip(6, "test", 0, "f"), clip(5, "train", 0, "e"),
        clip(7, "train", -1, "g"), clip(8, "eval", -1, "h"),  # unknown artists
        clip(10, "train", 60, ""), clip(11, "eval", 61, ""),  # not decoded
    ]  # fmt: skip
    found = find_leaks(clips)
    assert found == Leaks(artists=[0], audio=[[3, 4, 9]])
    assert found
    assert Leaks(audio=[[1, 2]])
    assert not find_leaks(clips[:2])


@pytest.mark.parametrize(
    ("splits", "kept"),
    [
        ({1: "train", 2: "test"}, 2),
        ({1: "train", 2: "eval"}, 2),
        ({1: "eval", 2: "test"}, 2),
        ({1: "train", 2: "test", 3: "test", 4: "eval"}, 2),
    ],
)
def test_allowed_leaks_keep_a_recording_where_it_judges(splits: dict[int, str], kept: int) -> None:
    clips = [clip(track_id, split, track_id, "same") for track_id, split in splits.items()]
    found = own(clips, allow_leaks=True)
    assert found.split_of == {kept: splits[kept]}
    assert found.duplicates == {track_id: kept for track_id in splits if track_id != kept}
    assert found.leaks == Leaks(audio=[sorted(splits)])


def test_allowed_leaks_leave_artists_where_they_are() -> None:
    clips = [clip(1, "train", 7, "a"), clip(2, "test", 7, "b")]
    expected = Decision({1: "train", 2: "test"}, {}, Leaks(artists=[7]))
    assert own(clips, allow_leaks=True) == expected
