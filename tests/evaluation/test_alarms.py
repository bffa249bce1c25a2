"""What makes figures suspect."""

from __future__ import annotations

import pytest

from evaluation.alarms import alarms

NOTHING = {"artists": [], "audio": []}
CLIPS = {split: {"Pop": 3, "Rock": 2} for split in ("train", "eval", "test")}


def board(test: float, **on_eval: float | None) -> dict:
    """Return a leaderboard with accuracies; None is a candidate that failed."""
    models = [
        {"name": name, "eval": None if accuracy is None else {"accuracy": accuracy}}
        for name, accuracy in on_eval.items()
    ]
    return {"models": models, "best": "svm", "test": {"accuracy": test}}


def test_credible_figures_and_clean_splits_raise_none() -> None:
    assert alarms(board(0.75, svm=0.75, knn=0.5, cnn1d=None), NOTHING, 0.75, CLIPS) == []


@pytest.mark.parametrize("bound", [0.75, 0.8])
def test_an_accuracy_above_the_bound_names_who_and_where(bound: float) -> None:
    found = alarms(board(0.9, svm=0.912, knn=0.85, cnn1d=0.2, mlp=None), NOTHING, bound, CLIPS)
    assert [alarm.partition(":")[0] for alarm in found] == [
        f"accuracy on eval is above the {bound} that is credible (svm 0.912, knn 0.850)",
        f"accuracy on test is above the {bound} that is credible (svm 0.900)",
    ]


def test_a_bound_of_one_switches_it_off() -> None:
    assert alarms(board(1.0, svm=1.0), NOTHING, 1.0, CLIPS) == []


def test_what_is_in_two_splits_is_named_as_far_as_there_is_room() -> None:
    found = alarms(board(0.5, svm=0.5), {"artists": [7], "audio": [[3, 9], [4, 5, 6]]}, 1.0, CLIPS)
    artists, recordings = found
    assert artists.startswith("1 artist is in more than one split (7): ")
    assert "--split artist-grouped" in artists
    assert recordings.startswith("2 recordings are in more than one of the archive's own splits")
    assert "(3 = 9, 4 = 5 = 6)" in recordings
    (many,) = alarms(board(0.5, svm=0.5), {"artists": list(range(9)), "audio": []}, 1.0, CLIPS)
    assert many.startswith("9 artists are in more than one split (0, 1, 2, 3, 4, …): ")


def test_a_genre_that_is_trained_but_not_tested_is_named() -> None:
    clips = {"train": {"Pop": 9, "Jazz": 1, "Folk": 4}, "eval": {"Jazz": 2}, "test": {"Pop": 1}}
    assert alarms(board(0.5, svm=0.5), NOTHING, 1.0, clips) == [
        f"no clip of {genre} is in test: its recall is unknown" for genre in ("Folk", "Jazz")
    ]
    # One that is in test alone was never learned; its recall of 0 speaks for itself.
    clips = {"train": {"Pop": 9}, "eval": {"Pop": 1}, "test": {"Pop": 1, "Jazz": 2}}
    assert alarms(board(0.5, svm=0.5), NOTHING, 1.0, clips) == []
