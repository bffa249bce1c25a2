"""Multinomial logistic regression on a clip's statistics."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression

from models.classical.linear_layers import Head
from models.classical.sklearn_model import Classical

MODEL = Classical(
    # lbfgs, the default, draws nothing at random.
    classifier=lambda seed: LogisticRegression(max_iter=1_000),
    components=(50, None),
    grid=lambda n_clips: [{"C": c} for c in (0.003, 0.01, 0.03, 0.1, 0.3)],
    head=Head,
    seconds_per_clip=0.004,
)
