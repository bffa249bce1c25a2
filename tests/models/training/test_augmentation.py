"""What random changes do to an input: how much, how often, and the same for the same seed."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from models.training import augmentation

LOG_MEL = tf.constant(np.random.default_rng(0).uniform(1, 255, (40, 60)).astype("f4"))


def seed(number: int) -> tf.Tensor:
    return tf.constant([5, number], tf.int64)


def masked(number: int) -> tf.Tensor:
    return augmentation.spec_augment(LOG_MEL, seed(number), masks=2, max_rows=6, max_columns=9)


def runs(hidden: np.ndarray) -> list[int]:
    """Returns the lengths of the stretches that are hidden."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.astype(int), [0]])))
    return list(edges[1::2] - edges[::2])


@pytest.mark.parametrize(
    "change",
    [
        masked,
        lambda number: augmentation.random_roll(LOG_MEL, seed(number)),
        lambda number: augmentation.random_gain(LOG_MEL, seed(number), 6.0),
        lambda number: augmentation.random_crops(LOG_MEL[0], seed(number), 3, 20),
        lambda number: augmentation.mixup(LOG_MEL, LOG_MEL, seed(number), 0.4)[0],
    ],
)
def test_a_seed_decides_all(change: Callable[[int], tf.Tensor]) -> None:
    np.testing.assert_array_equal(change(1), change(1))
    assert not np.array_equal(change(1), change(2))


def test_masks_are_stretches_of_the_mean_within_their_widths() -> None:
    rows, columns = [], []
    for number in range(200):
        hidden = masked(number).numpy() == tf.reduce_mean(LOG_MEL).numpy()
        rows.append(hidden.all(axis=1))
        columns.append(hidden.all(axis=0))
        expected = rows[-1][:, None] | columns[-1][None, :]
        np.testing.assert_array_equal(hidden, expected)
        np.testing.assert_array_equal(masked(number).numpy()[~hidden], LOG_MEL.numpy()[~hidden])
    for hidden, widest in ((rows, 6), (columns, 9)):
        widths = [runs(one) for one in hidden]
        assert max(map(sum, widths)) <= 2 * widest
        assert max(map(len, widths)) == 2
        assert max(width for one in widths for width in one if len(one) == 2) == widest
        assert [] in widths or min(map(sum, widths)) <= 1
        # Every place is hidden now and then, the edges too.
        assert np.any(hidden, axis=0).all()


def test_a_roll_only_moves_columns() -> None:
    shifts = set()
    for number in range(300):
        rolled = augmentation.random_roll(LOG_MEL, seed(number)).numpy()
        (shift,) = np.flatnonzero(np.isclose(rolled[0], LOG_MEL[0, 0].numpy()))
        np.testing.assert_array_equal(np.roll(rolled, -shift, axis=1), LOG_MEL)
        shifts.add(shift)
    assert {0, 59} < shifts


def test_gain_stays_in_its_range_and_uses_it() -> None:
    one = tf.constant([1.0])
    gains = [augmentation.random_gain(one, seed(n), 6.0).numpy()[0] for n in range(300)]
    decibel = 20 * np.log10(gains)
    assert -6 <= decibel.min() < -5.5
    assert 5.5 < decibel.max() <= 6
    assert abs(decibel.mean()) < 0.6


def test_crops_lie_inside_the_clip_and_anywhere_in_it() -> None:
    samples = tf.range(100, dtype=tf.int32)
    starts = set()
    for number in range(200):
        crops = augmentation.random_crops(samples, seed(number), 4, 20).numpy()
        np.testing.assert_array_equal(crops - crops[:, :1], np.tile(np.arange(20), (4, 1)))
        starts.update(crops[:, 0])
    assert starts == set(range(81))


def test_spread_crops_reach_from_the_first_sample_to_the_last() -> None:
    samples = tf.range(100, dtype=tf.int32)
    crops = augmentation.spread_crops(samples, 5, 20).numpy()
    np.testing.assert_array_equal(crops[:, 0], [0, 20, 40, 60, 80])
    np.testing.assert_array_equal(crops[:, -1], [19, 39, 59, 79, 99])
    np.testing.assert_array_equal(augmentation.spread_crops(samples, 1, 20)[0], np.arange(40, 60))


def test_a_clip_that_is_too_short_is_repeated() -> None:
    samples = tf.range(7, dtype=tf.int32)
    expected = np.tile(np.arange(7), 3)[:20]
    np.testing.assert_array_equal(augmentation.repeat_to(samples, 20), expected)
    np.testing.assert_array_equal(augmentation.repeat_to(samples, 5), samples)
    for crops in (
        augmentation.spread_crops(samples, 2, 20),
        augmentation.random_crops(samples, seed(0), 2, 20),
    ):
        np.testing.assert_array_equal(crops, [expected, expected])


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_is_convex_and_the_same_for_input_and_target(alpha: float) -> None:
    inputs, targets = tf.random.stateless_uniform([64, 3, 2], [1, 2]), tf.one_hot(range(64), 64)
    mixed, mixed_targets = augmentation.mixup(inputs, targets, seed(0), alpha)
    share = np.diag(mixed_targets)
    assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(mixed_targets.numpy().sum(axis=1), 1, atol=1e-6)
    part = share[:, None, None]
    expected = part * inputs + (1 - part) * np.roll(inputs, 1, axis=0)
    np.testing.assert_allclose(mixed, expected, atol=1e-5)


def test_the_share_of_mixup_is_beta_distributed() -> None:
    targets = tf.one_hot(tf.zeros([20_000], tf.int32) + tf.range(20_000) % 2, 2)
    _, mixed = augmentation.mixup(targets, targets, seed(0), 0.4)
    share = mixed.numpy()[np.arange(20_000), np.arange(20_000) % 2]
    # Of Beta(a, a) the mean is 1/2 and the variance 1 / (4 (2a + 1)).
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert share.var() == pytest.approx(1 / (4 * 1.8), abs=0.005)


def test_shapes_are_static_in_a_graph() -> None:
    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.int16),
            tf.TensorSpec([40, 60], tf.float32),
            tf.TensorSpec([2], tf.int64),
        ]
    )
    def shapes(samples: tf.Tensor, spectrogram: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
        found = (
            augmentation.random_crops(samples, chance, 4, 20),
            augmentation.spread_crops(samples, 4, 20),
            augmentation.random_roll(spectrogram, chance),
            augmentation.spec_augment(spectrogram, chance, masks=2, max_rows=5, max_columns=5),
        )
        assert [one.shape.as_list() for one in found] == [[4, 20], [4, 20], [40, 60], [40, 60]]
        return tf.constant(0)

    shapes.get_concrete_function()
