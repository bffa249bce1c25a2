"""Clips of a split on two principal components of what the classical models read."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from features import example_keys
from models.classical.tf_export import LIMIT
from models.spec import parts
from models.training import input_fn
from report.data import Projection

MOST_CLIPS = 800
_FEWEST_CLIPS = 3
_DIGITS = 3
# Packed float32; the other features are signals and images.
_VECTORS = {example_keys.STATISTICS, example_keys.MUSICNN, example_keys.FMA_FEATURES}


def vector_feature(models: Sequence[Mapping[str, Any]], best: str) -> str:
    """Returns the vectors that the winner reads, else the first model that reads any, else "".

    Args:
        models: rows of the leaderboard.
        best: name of the winner.
    """
    winner_first = sorted(models, key=lambda model: model["name"] != best)
    features = [model["feature"] for model in winner_first if model["status"] == "trained"]
    return next((f for f in features if f and _VECTORS.issuperset(parts(f))), "")


def project(paths: Sequence[str], feature: str, genres: Sequence[str]) -> Projection | None:
    """Returns clips on the first two principal components (Pearson, 1901) of their vectors.

    Columns are standardised and clipped first, as the classical models do. Of more than
    `MOST_CLIPS` labelled clips those of the lowest digests are taken, whatever the order of the
    records; memory holds no more. None where there are too few clips or columns.

    Args:
        paths: transformed TFRecords, GZIP.
        feature: of vectors, see `vector_feature`.
        genres: names by class id.
    """
    clips = heapq.nsmallest(MOST_CLIPS, _clips(paths, feature), key=lambda clip: clip[0])
    if len(clips) < _FEWEST_CLIPS:
        return None
    columns = np.stack([vector for _, _, vector in clips]).astype(np.float64)
    columns = columns[:, columns.std(axis=0) > 0]
    if columns.shape[1] < 2:
        return None
    pca = PCA(2, svd_solver="full")
    points = pca.fit_transform(np.clip(StandardScaler().fit_transform(columns), -LIMIT, LIMIT))
    by_genre: dict[str, list[list[float]]] = {}
    for (_, label, _), point in zip(clips, points.round(_DIGITS).tolist(), strict=True):
        by_genre.setdefault(genres[label], []).append(point)
    return Projection(
        feature,
        pca.explained_variance_ratio_.round(_DIGITS).tolist(),
        dict(sorted(by_genre.items())),
    )


def _clips(paths: Sequence[str], feature: str) -> Iterator[tuple[str, int, Any]]:
    """Yields digest, class id and vector, float32 [columns], of each labelled clip."""
    if not paths:
        return
    keys = (example_keys.LABEL, example_keys.TRACK_ID)
    for packed, label, track in input_fn.records(paths, feature, keys).as_numpy_iterator():
        if label >= 0:
            digest = hashlib.sha256(str(track).encode()).hexdigest()
            # Of a feature that is several, the columns of each follow those of the one before.
            yield digest, int(label), np.frombuffer(b"".join(np.ravel(packed)), "<f4")
