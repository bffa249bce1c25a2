"""The archive's own splits: kept, and refused where they leak."""

from __future__ import annotations

import dataclasses
import random

import pytest

from common.errors import InputError
from dataset.splits.clip import Clip
from dataset.splits.decision import Decision, decide
from dataset.splits.leaks import Leaks

OWN = pytest.mark.parametrize("policy", ["official", "file"])


def clip(track_id: int, split: str, artist_id: int = -1, digest: str = "", album: int = -1) -> Clip:
    artist = f"Artist {artist_id}" if artist_id >= 0 else ""
    return Clip(track_id, "Rock", artist_id, album, digest, split, artist=artist)


def refusal(clips: list[Clip], *, allow_leaks: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        decide(clips, "file", allow_leaks=allow_leaks, where="W")
    return str(caught.value)


@OWN
def test_own_splits_are_kept(policy: str) -> None:
    clips = [clip(1, "train", 1, "a"), clip(2, "eval", 2, "b"), clip(3, "test", 3, "c")]
    expected = Decision({1: "train", 2: "eval", 3: "test"}, {}, Leaks())
    assert decide(clips, policy, allow_leaks=False, where="W") == expected


@OWN
def test_the_same_audio_in_a_split_is_kept_once(policy: str) -> None:
    clips = [clip(5, "test", 1, "a"), clip(3, "test", 2, "a"), clip(9, "test", 1, "a")]
    clips[0] = dataclasses.replace(clips[0], genre="Folk")
    found = decide(clips, policy, allow_leaks=False, where="W")
    assert found == Decision({3: "test"}, {5: 3, 9: 3}, Leaks())


def test_an_album_may_be_in_two_of_its_own_splits() -> None:
    clips = [clip(1, "train", 1, album=7), clip(2, "test", 2, album=7)]
    assert not decide(clips, "official", allow_leaks=False, where="W").leaks


def test_clips_that_are_not_decoded_are_not_alike() -> None:
    clips = [clip(1, "train", 1), clip(2, "test", 2)]
    found = decide(clips, "official", allow_leaks=False, where="W")
    assert found.split_of == {1: "train", 2: "test"}


@pytest.mark.parametrize("split", ["", "dev", "training"])
def test_a_clip_without_a_split_is_named(split: str) -> None:
    assert refusal([clip(1, "train"), clip(8, split)], allow_leaks=True) == (
        f"W: the split of track 8 is {split!r}, expected one of train, eval, test: fill it in, or "
        "use --split artist-hash"
    )


def test_the_first_clip_without_a_split_is_the_lowest() -> None:
    assert "the split of track 3 " in refusal([clip(8, ""), clip(3, ""), clip(5, "")])


def test_leaks_are_refused_with_what_to_do() -> None:
    clips = [
        clip(1, "train", 7, "a"), clip(2, "train", 7, "b"), clip(3, "test", 7, "c"),
        clip(4, "eval", 8, "c"),
    ]  # fmt: skip
    assert refusal(clips) == (
        "W: in more than one of its own splits are 1 artist ('Artist 7', artist 7: 2 train, "
        "1 test) and 1 recording (tracks 3, 4): use --split artist-hash, or --allow-leaks to go on "
        "with a warning in the report"
    )


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
    found = decide(clips, "file", allow_leaks=True, where="W")
    assert found.split_of == {kept: splits[kept]}
    assert found.duplicates == {track_id: kept for track_id in splits if track_id != kept}
    assert found.leaks == Leaks(audio=[sorted(splits)])


def test_allowed_leaks_leave_artists_where_they_are() -> None:
    clips = [clip(1, "train", 7, "a"), clip(2, "test", 7, "b")]
    found = decide(clips, "official", allow_leaks=True, where="W")
    assert found == Decision({1: "train", 2: "test"}, {}, Leaks(artists=[7]))


@OWN
def test_the_order_of_the_clips_does_not_matter(policy: str) -> None:
    chance = random.Random(1)
    clips = [
        clip(track_id, chance.choice(["train", "eval", "test"]), chance.randrange(9),
             chance.choice("abcdefgh"))
        for track_id in range(40)
    ]  # fmt: skip
    found = decide(clips, policy, allow_leaks=True, where="W")
    message = refusal(clips)
    chance.shuffle(clips)
    assert decide(clips, policy, allow_leaks=True, where="W") == found
    assert refusal(clips) == message
