"""Logistic regression on what musicnn hears in a clip and on the clip's statistics together."""

from __future__ import annotations

import dataclasses

from features import example_keys
from models.classical import logistic_regression

MODEL = dataclasses.replace(
    logistic_regression.MODEL,
    reads=f"{example_keys.MUSICNN}+{example_keys.STATISTICS}",
    components=(100, None),
    seconds_per_clip=0.15,
    settings=("pca_components",),
)
