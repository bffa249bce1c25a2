"""The networks, and what is trainable in them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import cnn1d, mobilenet
from pipeline.config import AudioConfig, TrainConfig
from pipeline.errors import InputError

AUDIO = AudioConfig(n_windows=3)
UNTRAINED = TrainConfig(mobilenet_weights="none")


@pytest.fixture(scope="module")
def mobilenet_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return mobilenet.build_model(5, AUDIO, UNTRAINED)


def test_cnn1d_is_the_articles_network() -> None:
    model = cnn1d.build_model(8, AUDIO, TrainConfig())
    assert [type(layer).__name__ for layer in model.layers] == [
        "Conv1D", "MaxPooling1D", "Conv1D", "MaxPooling1D", "Flatten",
        "Dense", "Dropout", "Dense", "Dropout", "Dense",
    ]  # fmt: skip
    first, second = model.layers[0], model.layers[2]
    assert (first.filters, first.kernel_size, second.filters) == (128, (3,), 64)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [100, 20, 8]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.5, 0.5]
    assert model.layers[-1].activation is keras.activations.linear
    assert model.input_shape == (None, 10_000, 1)


def test_cnn1d_clip_scores_are_the_mean_over_windows() -> None:
    model = cnn1d.build_model(4, AUDIO, TrainConfig())
    windows = np.random.default_rng(0).integers(-9_000, 9_000, (2, 3, 10_000), dtype="int16")
    packed = tf.constant([clip.tobytes() for clip in windows])
    got = cnn1d.clip_scores(model, packed, AUDIO).numpy()
    inputs = windows.reshape(6, 10_000, 1) / (0.1 * 32_767)
    expected = tf.nn.softmax(model(inputs.astype("f4"))).numpy().reshape(2, 3, 4).mean(axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-6)


def test_cnn1d_expands_a_clip_to_its_windows() -> None:
    windows = np.arange(30_000, dtype="<i2").reshape(3, 10_000)
    dataset = cnn1d.expand(tf.constant(windows.tobytes()), tf.constant(2, tf.int64), AUDIO)
    inputs, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    assert labels == (2, 2, 2)
    np.testing.assert_allclose(np.stack(inputs)[..., 0], windows / 3_276.7, rtol=1e-6)


@pytest.mark.parametrize(
    ("held", "taken"),
    [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (4, [0, 1, 3]), (66, [0, 32, 65])],
)
def test_cnn1d_takes_windows_from_the_first_to_the_last(held: int, taken: list[int]) -> None:
    windows = np.repeat(np.arange(held, dtype="<i2"), 10_000)
    got = cnn1d.unpack(tf.constant(windows.tobytes()), AUDIO).numpy()
    assert got.shape == (len(taken), 10_000, 1)
    np.testing.assert_allclose(got[:, 0, 0] * 3_276.7, taken, rtol=1e-5)


def test_mobilenet_starts_with_a_frozen_base(mobilenet_model: keras.Model) -> None:
    assert not mobilenet_model.get_layer("base").trainable_weights
    assert len(mobilenet_model.trainable_weights) == 4  # head: gamma, beta, kernel, bias


def test_an_untrained_base_still_passes_a_signal(mobilenet_model: keras.Model) -> None:
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 224, 224, 3)).astype("f4")
    maps = mobilenet_model.get_layer("base")(pictures, training=False).numpy()
    assert 0.01 < maps.std() < 100


def test_fine_tuning_unfreezes_the_top_and_never_batch_normalisation(
    mobilenet_model: keras.Model,
) -> None:
    mobilenet.unfreeze_top(mobilenet_model, 2)
    base = mobilenet_model.get_layer("base")
    trainable = {layer.name for layer in base.layers if layer.trainable_weights}
    assert trainable == {
        "Conv_1",
        *(f"block_{n}_{part}" for n in (15, 16) for part in ("expand", "depthwise", "project")),
    }
    statistics = [w.numpy() for layer in base.layers for w in layer.non_trainable_weights]
    mobilenet_model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 224, 224)).astype("f4")
    mobilenet_model.fit(pictures, np.array([0, 1, 2, 3]), verbose=0)
    after = [w.numpy() for layer in base.layers for w in layer.non_trainable_weights]
    assert all(np.array_equal(a, b) for a, b in zip(statistics, after, strict=True))


def test_weights_come_from_a_file(tmp_path) -> None:
    keras.utils.set_random_seed(7)
    base = keras.applications.MobileNetV2(
        input_shape=(224, 224, 3), include_top=False, weights=None
    )
    path = tmp_path / "base.weights.h5"
    base.save_weights(path)
    model = mobilenet.build_model(3, AUDIO, TrainConfig(mobilenet_weights=str(path)))
    loaded = model.get_layer("base").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(loaded, base.get_weights(), strict=True))


def test_a_file_that_holds_no_weights_is_named(tmp_path) -> None:
    path = tmp_path / "wrong.h5"
    path.write_bytes(b"not a weights file")
    with pytest.raises(InputError, match=r"wrong\.h5 holds no MobileNetV2 weights"):
        mobilenet.build_model(3, AUDIO, TrainConfig(mobilenet_weights=str(path)))


def test_stages() -> None:
    names = [stage.name for stage in mobilenet.stages(TrainConfig(fine_tune_epochs=4))]
    assert names == ["head", "fine_tune"]
    (only,) = mobilenet.stages(TrainConfig(epochs=3, learning_rate=0.5))
    assert (only.name, only.epochs, only.learning_rate) == ("head", 3, 0.5)
    (train,) = cnn1d.stages(TrainConfig())
    assert train.epochs == cnn1d.DEFAULT_EPOCHS


def test_keras_is_keras_3_whatever_is_imported_first() -> None:
    import subprocess
    import sys

    for first in ("tensorflow_transform", "tfx.v1"):
        code = f"import {first}; import models.cnn1d as m; print(m.keras.__version__)"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip().startswith("3."), first
