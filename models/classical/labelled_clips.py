"""Labelled clips in memory, and how they are held out from each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.util import hash_array
from sklearn.model_selection import StratifiedGroupKFold

from features import example_keys
from models.training import input_fn

N_FOLDS = 5

# Clips to fit and to score, as indices.
Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclasses.dataclass(frozen=True)
class Clips:
    """Labelled clips: inputs [clips, columns], labels, artists and tracks int64 [clips].

    Inputs are float32 as they are read, and float64 as models are fitted on them.
    """

    inputs: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]
    artists: NDArray[np.int64]
    tracks: NDArray[np.int64]

    def in_float64(self) -> Clips:
        """Returns the same with inputs in float64, which take twice the memory: sample first."""
        return dataclasses.replace(self, inputs=self.inputs.astype(np.float64))

    def sample(self, at_most: int, seed: int) -> Clips:
        """Returns so many clips, of each genre its share but at least one; all if there are few.

        A smaller sample is part of a larger one, whatever else was sampled before.
        """
        if len(self.labels) <= at_most:
            return self
        order = np.argsort(hash_array(self.tracks ^ seed), kind="stable")
        place = np.empty(len(order))  # of a clip among those of its genre, from 0 to 1
        for label in np.unique(self.labels):
            of_genre = order[self.labels[order] == label]
            place[of_genre] = np.arange(len(of_genre)) / len(of_genre)
        kept = np.sort(order[np.argsort(place[order], kind="stable")[:at_most]])
        return self.at(kept)

    def at(self, places: NDArray[np.int64]) -> Clips:
        """Returns the clips at some places."""
        fields = dataclasses.fields(self)
        return Clips(*(getattr(self, field.name)[places] for field in fields))

    def and_of(self, other: Clips) -> Clips:
        """Returns the clips of both, ordered by track."""
        names = [field.name for field in dataclasses.fields(self)]
        both = Clips(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))
        return both.at(np.argsort(both.tracks, kind="stable"))


def read_clips(file_patterns: Sequence[str], feature: str) -> Clips:
    """Returns the labelled clips of transformed TFRecords, ordered by track.

    The order of the records is Beam's, and with several workers another one in every run.

    Args:
        file_patterns: transformed TFRecords.
        feature: the feature to read, packed float32; of several, see `models.spec.pack`, the
            columns of each follow those of the one before.
    """
    keys = (example_keys.LABEL, example_keys.TRACK_ID, example_keys.ARTIST_ID)
    rows = list(input_fn.records(file_patterns, feature, keys).batch(1_024).as_numpy_iterator())
    packed, labels, tracks, artists = (np.concatenate(column) for column in zip(*rows, strict=True))
    inputs = np.frombuffer(b"".join(packed.ravel()), "<f4").reshape(len(packed), -1)
    kept = np.argsort(tracks, kind="stable")
    return Clips(inputs, labels, artists, tracks).at(kept[labels[kept] >= 0])


def artist_folds(clips: Clips, seed: int) -> Folds:
    """Returns folds in which no artist is both fitted and scored; as many as there can be, up to 5.

    Every clip counts as one of an artist of its own where the artists are too few to be kept apart
    with at least two genres left to fit. Empty where the clips are too few even so.
    """
    return next((folds for _, folds in ways_to_fold(clips, seed) if folds), [])


def ways_to_fold(clips: Clips, seed: int) -> Iterator[tuple[str, Folds]]:
    """Yields the folds by artist, then those by clip, each with its name; empty ones, too.

    All are stratified by genre. A clip of unknown artist (-1) counts as one of an artist of its
    own. A fold with fewer than two genres to fit is left out.
    """
    each = np.arange(len(clips.labels))
    by_artist = np.where(clips.artists < 0, -1 - each, clips.artists)
    for name, groups in (("artist", by_artist), ("clip", each)):
        n_folds = min(N_FOLDS, len(np.unique(groups)), np.bincount(clips.labels).max())
        if n_folds < 2:
            yield name, []
            continue
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        yield (
            name,
            [
                (fitted, scored)
                for fitted, scored in splitter.split(clips.inputs, clips.labels, groups)
                if len(scored) and len(np.unique(clips.labels[fitted])) > 1
            ],
        )
