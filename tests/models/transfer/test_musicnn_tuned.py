"""The last layers of musicnn as a network: the original's before training, and what is tuned."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from dataset.config import AudioConfig
from features import musicnn, musicnn_weights
from models.config import TrainConfig
from models.transfer import musicnn_tuned
from models.transfer.musicnn_tuned import MODEL
from tests.features import musicnn_reference

AUDIO = AudioConfig()
# Of layers whose values reach 10.
TOLERANCE = 1e-3


@pytest.fixture
def model() -> keras.Model:
    return MODEL.build_model(3, AUDIO, MODEL.recipe(TrainConfig(), {}, n_clips=24))


def penultimate_of(model: keras.Model) -> keras.Model:
    (head, *_) = MODEL.stages(MODEL.recipe(TrainConfig(), {}, n_clips=24))
    assert head.trunk is not None
    return keras.Model(model.input, model.get_layer(head.trunk).output)


def test_before_training_its_penultimate_values_are_the_features(model: keras.Model) -> None:
    # A clip of one patch, whose values are those of the patch.
    signal = tf.constant(musicnn_reference.signal()[: 256 * (musicnn.PATCH_FRAMES - 1)])
    values = musicnn.clip_values(signal, musicnn.AUDIO, musicnn_weights.load()).numpy()
    pooled = musicnn_tuned.segments(tf.constant(values.tobytes()), AUDIO)
    assert pooled.shape == (1, musicnn.N_POOLED)
    found = penultimate_of(model)(pooled)[0]
    np.testing.assert_allclose(found, values[: musicnn.N_PENULTIMATE], atol=TOLERANCE)


def test_before_training_its_penultimate_values_are_the_original_networks(
    model: keras.Model,
) -> None:
    with np.load(musicnn_reference.FILE) as original:
        pooled = np.stack([original["maximum"], original["mean"]], axis=2)
        expected = original["penultimate"]
    found = penultimate_of(model)(pooled.reshape(len(pooled), -1))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_only_the_head_is_trained_first_and_then_the_hidden_layer_but_no_statistics(
    model: keras.Model,
) -> None:
    head, fine_tune = MODEL.stages(MODEL.recipe(TrainConfig(), {}, n_clips=24))
    assert fine_tune.learning_rate < head.learning_rate
    head.prepare(model)
    assert len(model.trainable_weights) == 2  # kernel and bias of the output
    before = {weight.path: weight.numpy() for weight in model.weights}
    fine_tune.prepare(model)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    inputs = np.random.default_rng(0).uniform(0, 3, (12, musicnn.N_POOLED)).astype("f4")
    model.fit(inputs, np.arange(12) % 3, epochs=2, verbose=0)
    unchanged = {w.path for w in model.weights if np.array_equal(w.numpy(), before[w.path])}
    assert unchanged == {
        f"{layer}/{weight}"
        for layer in ("normal", "penultimate")
        for weight in ("gamma", "beta", "moving_mean", "moving_variance")
    }


def test_no_epochs_leave_the_pretrained_layers_alone() -> None:
    recipe = MODEL.recipe(TrainConfig(fine_tune_epochs=0), {}, n_clips=24)
    assert [stage.name for stage in MODEL.stages(recipe)] == ["head"]


def test_without_weights_there_is_an_error_with_the_command_that_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicnn_weights, "FILE", tmp_path / "musicnn.npz")
    monkeypatch.setattr(musicnn_weights, "load", musicnn_weights.load.__wrapped__)
    with pytest.raises(InputError, match="make weights"):
        MODEL.build_model(3, AUDIO, MODEL.recipe(TrainConfig(), {}, n_clips=24))
