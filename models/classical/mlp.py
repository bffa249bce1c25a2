"""A multi-layer perceptron with one hidden layer on a clip's statistics."""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier

from models.classical.linear_layers import Head
from models.classical.sklearn_model import Classical

_HIDDEN = 64
# Few: stopping early is what keeps it from learning a few hundred clips by heart.
_STEPS = 50

MODEL = Classical(
    # All clips in every step: on a few hundred, or thousand, the quicker way, and nothing but the
    # first weights is drawn at random.
    classifier=lambda seed: MLPClassifier(
        (_HIDDEN,), solver="lbfgs", max_iter=_STEPS, random_state=seed
    ),
    # More decay of the weights is a simpler model.
    grid=lambda n_clips: [{"alpha": alpha} for alpha in (100.0, 30.0, 10.0)],
    head=Head,
    seconds_per_clip=0.006,
)
