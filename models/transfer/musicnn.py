"""Logistic regression on what musicnn, a network that knows a million songs, hears in a clip."""

from __future__ import annotations

import dataclasses

from features import example_keys
from features.musicnn import N_PENULTIMATE, N_VALUES
from models.classical import logistic_regression

MODEL = dataclasses.replace(
    logistic_regression.MODEL,
    reads=example_keys.MUSICNN,
    # Which layer tells more depends on how near the genres are to the tags that it was trained on.
    columns=(("penultimate", 0, N_PENULTIMATE), ("pooled", N_PENULTIMATE, N_VALUES)),
    components=(100, None),
    seconds_per_clip=0.05,
    settings=("pca_components", "refit"),
)
