"""Which vectors are projected, and how many clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from components.genre_report import projection
from features import example_keys

VECTORS = (example_keys.MUSICNN, example_keys.STATISTICS)


def models(*features: str | None) -> list[dict[str, str | None]]:
    """Return rows of a leaderboard, called a, b, …; None is of a model that failed."""
    return [
        {"name": name, "status": "trained" if feature else "failed", "feature": feature}
        for name, feature in zip("abcd", features, strict=False)
    ]


@pytest.mark.parametrize(
    ("features", "best", "expected"),
    [
        (("statistics", "musicnn"), "b", "musicnn"),
        (("log_mel", "statistics+musicnn", "statistics"), "a", "statistics+musicnn"),
        ((None, "fma_features", "log_mel+statistics"), "c", "fma_features"),
        (("log_mel", "windows", None), "a", ""),
    ],
)
def test_the_vectors_of_the_winner_are_taken_else_of_the_first_that_has_some(
    features: Sequence[str | None], best: str, expected: str
) -> None:
    assert projection.vector_feature(models(*features), best) == expected


def write(path: Path, vectors: NDArray[np.float32], order: Sequence[int]) -> str:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for track_id in order:
            feature = (example := tf.train.Example()).features.feature
            feature[example_keys.LABEL].int64_list.value.append(track_id % 2)
            feature[example_keys.TRACK_ID].int64_list.value.append(track_id)
            for key, part in zip(VECTORS, np.split(vectors[track_id], 2), strict=True):
                feature[key].bytes_list.value.append(part.astype("<f4").tobytes())
            writer.write(example.SerializeToString())
    return str(path)


def test_clips_are_those_of_scikit_learns_components(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    path = write(tmp_path / "records.gz", vectors, range(40))
    found = projection.project([path], "musicnn+statistics", ["Pop", "Rock"])
    assert found is not None
    standard = np.clip((vectors - vectors.mean(axis=0)) / vectors.std(axis=0), -2, 2)
    expected = PCA(2).fit(standard)
    assert found.explained == pytest.approx(expected.explained_variance_ratio_, abs=1e-3)
    pop = np.sort(np.abs(expected.transform(standard)[::2, 0]))
    assert np.sort(np.abs([first for first, _ in found.points["Pop"]])) == pytest.approx(
        pop, abs=2e-3
    )


def test_of_many_clips_the_same_few_are_taken_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "MOST_CLIPS", 10)
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    paths = [write(tmp_path / f"{step}.gz", vectors, range(40)[::step]) for step in (1, -1)]
    found, again = (projection.project([path], "statistics", ["Pop", "Rock"]) for path in paths)
    assert found is not None
    assert sum(map(len, found.points.values())) == 10
    assert found == again


def test_two_clips_are_too_few(tmp_path: Path) -> None:
    path = write(tmp_path / "records.gz", np.eye(2, 6, dtype=np.float32), range(2))
    assert projection.project([path], "statistics", ["Pop", "Rock"]) is None
    assert projection.project([], "statistics", ["Pop", "Rock"]) is None
