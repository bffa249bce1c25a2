"""F1, against scikit-learn. The metric within TFMA is tested with the evaluation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import f1_score

from evaluation.metrics.f1 import f1_by_class


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("n_classes", [2, 8, 16])
def test_f1_is_that_of_scikit_learn(seed: int, n_classes: int) -> None:
    rng = np.random.default_rng(seed)
    labels, predictions = rng.integers(n_classes, size=(2, 60))
    # Some classes are only labels, some only predictions.
    labels[labels == 0] = 1
    cells = Counter(zip(labels.tolist(), predictions.tolist(), strict=True))
    found = f1_by_class((cell, float(count)) for cell, count in cells.items())
    classes = sorted({*labels.tolist(), *predictions.tolist()})
    assert list(found) == classes
    expected = f1_score(labels, predictions, labels=classes, average=None)
    assert list(found.values()) == pytest.approx(list(expected), abs=1e-12)


def test_no_clip_has_no_class() -> None:
    assert f1_by_class([]) == {}
