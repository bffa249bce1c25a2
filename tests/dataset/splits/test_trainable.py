"""What cannot train, rank or judge a classifier."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.splits.trainable import check_trainable

TRAINABLE = {(split, genre): 2 for split in ("train", "eval", "test") for genre in ("Folk", "Rock")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (dict.fromkeys(TRAINABLE, 0), "there is no usable audio in W"),
        (
            {(split, "Folk"): 0 for split in ("train", "eval", "test")},
            "W holds a single genre, 'Rock': nothing to tell apart",
        ),
        (
            {("train", "Folk"): 0, ("test", "Folk"): 3},
            "genre 'Folk' has no usable train track in W: it has 2 in eval and 3 in test, and "
            "needs at least 1 in train: name the other genres with --genre, or add music",
        ),
        (
            {("eval", genre): 0 for genre in ("Folk", "Rock")},
            "the eval split is empty in W: none of 8 clips is in it",
        ),
        (
            {("test", genre): 0 for genre in ("Folk", "Rock")},
            "the test split is empty in W: none of 8 clips is in it",
        ),
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


def test_no_clips_at_all_are_no_usable_audio() -> None:
    with pytest.raises(InputError, match="there is no usable audio in W"):
        check_trainable({}, "W")
