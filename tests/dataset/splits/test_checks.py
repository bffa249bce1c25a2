"""What cannot train and judge a classifier is refused, with the reason and what to do."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.splits.checks import check_trainable
from dataset.splits.decision import decide
from dataset.splits.groups import Clip

ENOUGH = [Clip(track, "Rock", artist_id=track) for track in range(100, 120)]


def by_artist(*clips: Clip) -> dict[int, str]:
    return decide([*ENOUGH, *clips], "artist-grouped", allow_leaks=False, where="W").split_of


def refusal(*clips: Clip) -> str:
    with pytest.raises(InputError) as caught:
        by_artist(*clips)
    return str(caught.value)


def test_all_genres_with_too_few_artists_are_named_with_what_to_do() -> None:
    clips = [Clip(track, "Ska", artist_id=track % 2) for track in range(1_000)]
    said = refusal(Clip(5_000, "Dub", 5), Clip(5_001, "Pop"), *clips[:100], *clips[200:])
    assert said.startswith(
        "W: genre 'Dub' has 1 clip by 1 artist; genre 'Pop' has 1 clip by 1 artist; genre 'Ska' "
        "has 900 clips by 2 artists: "
    )
    assert "without artist counting as one" in said and "--min-clips-per-genre" in said
    assert "without artist" not in refusal(Clip(1, "Ska", 0), Clip(2, "Ska", 1))


def test_three_artists_are_enough() -> None:
    found = by_artist(Clip(1, "Ska", 1), Clip(2, "Ska", 2), Clip(3, "Ska"))
    assert {found[track] for track in (1, 2, 3)} == {"train", "eval", "test"}


def test_artists_who_stay_together_are_one_group() -> None:
    copies = [Clip(20, "Ska", 30, digest="x"), Clip(21, "Ska", 12, digest="x")]
    album = [Clip(track, "Ska", track, album_id=7) for track in range(13)]
    lone = [Clip(track, "Ska", 40) for track in range(200, 230)]
    expected = "'Ska' has 44 clips by 15 artists in 2 groups by shared albums or recordings: "
    assert expected in refusal(*album, *copies, *lone)


@pytest.mark.parametrize("number", [3, 4])
def test_a_genre_whose_artists_all_are_in_one_split_already_is_refused(number: int) -> None:
    in_train = [track for track, split in by_artist().items() if split == "train"]
    later = [Clip(at, "Ska", artist, span=1) for at, artist in enumerate(in_train[:number])]
    reason = (
        f"genre 'Ska' has {number} clips by {number} artists and none for eval and test, for other "
        "genres or earlier deliveries need them"
    )
    assert reason in refusal(*later)


def test_a_genre_with_too_few_artists_is_no_reason_to_refuse_another() -> None:
    clips = [
        Clip(1, "Ska", 1), Clip(2, "Ska", 2), *(Clip(track, "Ska", 3) for track in range(3, 13)),
        Clip(20, "Dub", 1), Clip(21, "Dub", 2),
    ]  # fmt: skip
    assert refusal(*clips).startswith("W: genre 'Dub' has 2 clips by 2 artists: ")


SPLITS = {split: {"Folk": 2, "Rock": 2} for split in ("train", "eval", "test")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train": {}, "eval": {}, "test": {}}, "there is no usable audio in W"),
        (dict.fromkeys(SPLITS, {"Rock": 1}), "W holds a single genre, 'Rock': nothing to tell"),
        (
            {"train": {"Rock": 1}, "eval": {"Rock": 1}, "test": {"Folk": 3}},
            "genre 'Folk' has no usable train track in W: it has 0 in eval and 3 in test, and "
            "needs at least 1 in train: name the other genres with --genre, or add music",
        ),
        ({"eval": {}}, "the eval split of W is empty"),
        ({"test": {}}, "the test split of W is empty"),
    ],
)
def test_what_cannot_train_a_classifier_is_refused(
    changes: dict[str, dict[str, int]], expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_trainable({**SPLITS, **changes}, "W")
    assert str(caught.value).startswith(expected)


def test_a_genre_may_be_missing_outside_of_train() -> None:
    check_trainable({**SPLITS, "eval": {"Rock": 1}, "test": {"Folk": 1}}, "W")
