"""How much a genre counts, and targets that are not quite certain."""

import numpy as np
import pytest
import tensorflow as tf

from models.training import targets


def test_class_weights_make_genres_count_alike() -> None:
    counts = np.array([80, 20, 100])
    weights = targets.class_weights(counts)
    np.testing.assert_allclose(weights * counts, 200 / 3, rtol=1e-6)
    assert np.average(weights, weights=counts) == pytest.approx(1)
    np.testing.assert_allclose(targets.class_weights(np.array([5, 5])), 1)


def test_a_tiny_genre_does_not_drown_the_others() -> None:
    counts = np.array([1, 5_000, 5_000])
    weights = targets.class_weights(counts)
    assert weights[0] / weights[1] == pytest.approx(targets.MAX_CLASS_WEIGHT * 1.5, rel=1e-3)
    assert np.average(weights, weights=counts) == pytest.approx(1)


def test_a_genre_without_a_clip_has_no_weight() -> None:
    np.testing.assert_allclose(targets.class_weights(np.array([0, 3, 3])), [0, 1, 1])


def test_smoothing_spreads_its_share_over_all_classes() -> None:
    smoothed = targets.smooth(tf.one_hot([1], 4), 0.2).numpy()
    np.testing.assert_allclose(smoothed, [[0.05, 0.85, 0.05, 0.05]], atol=1e-6)
    np.testing.assert_array_equal(targets.smooth(tf.one_hot([1], 4), 0.0), tf.one_hot([1], 4))
