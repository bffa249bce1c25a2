"""Logistic regression on what musicnn, a network that knows a million songs, hears in a clip."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from features import example_keys
from features.musicnn import N_PENULTIMATE, N_VALUES
from models.classical.logistic_regression import Head
from models.classical.sklearn_model import Classical

MODEL = Classical(
    reads=example_keys.MUSICNN,
    # Which layer tells more depends on how near the genres are to the tags that it was trained on.
    columns={"penultimate": (0, N_PENULTIMATE), "pooled": (N_PENULTIMATE, N_VALUES)},
    classifier=lambda seed: LogisticRegression(max_iter=1_000),
    components=(100, None),
    grid=lambda n_clips: [{"C": c} for c in (0.003, 0.01, 0.03, 0.1, 0.3)],
    head=Head,
    settings=("pca_components",),
)
