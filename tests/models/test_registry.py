"""The networks against their papers, what is trainable in them, and how they score a clip."""

import dataclasses
from types import ModuleType
from typing import cast

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import InputError
from dataset.config import MIN_SPECTROGRAM_SIDE, AudioConfig
from models.config import TrainConfig
from models.networks import cnn1d, fcn5, sample_cnn
from models.networks.network import Network
from models.registry import NETWORKS
from models.spec import load
from models.training.recipe import Epochs, Recipe
from models.transfer import mobilenet

AUDIO = AudioConfig(n_windows=3)
# MobileNetV2 takes seconds at full size, and has the same layers at this one.
SMALL = AudioConfig(n_mels=64, spectrogram_columns=64)
UNTRAINED = TrainConfig(mobilenet_weights="none")


def recipe(network: Network, train: TrainConfig = UNTRAINED) -> Recipe:
    return network.recipe(train, {}, n_clips=240)


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


@pytest.fixture(scope="module")
def mobilenet_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return mobilenet.build_model(5, SMALL, recipe(mobilenet.MODEL))


def test_cnn1d_is_the_articles_network() -> None:
    articles = dataclasses.replace(recipe(cnn1d.MODEL), dropout=0.5)
    model = cnn1d.build_model(8, AUDIO, articles)
    assert kinds(model) == [
        "Conv1D", "MaxPooling1D", "Conv1D", "MaxPooling1D", "Flatten",
        "Dense", "Dropout", "Dense", "Dropout", "Dense",
    ]  # fmt: skip
    first, second = model.layers[0], model.layers[2]
    assert (first.filters, first.kernel_size, second.filters) == (128, (3,), 64)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [100, 20, 8]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.5, 0.5]
    assert model.layers[-1].activation is keras.activations.linear
    assert model.input_shape == (None, 10_000, 1)


def test_sample_cnn_is_the_3_9_model_of_its_paper() -> None:
    model = sample_cnn.build_model(50, AUDIO, recipe(sample_cnn.MODEL))
    assert model.input_shape == (None, 59_049, 1)
    assert kinds(model) == [
        *["Conv1D", "BatchNormalization", "ReLU"],
        *["Conv1D", "BatchNormalization", "ReLU", "MaxPooling1D"] * 9,
        *["Conv1D", "BatchNormalization", "ReLU"],
        *["Dropout", "Flatten", "Dense"],
    ]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    widths = [128, 128, 128, *[256] * 6, 512, 512]
    assert [layer.filters for layer in convolutions] == widths
    pools = [layer for layer in model.layers if isinstance(layer, keras.layers.MaxPooling1D)]
    # Steps of time behind the strided convolution and every pooling.
    steps = [layer.output.shape[1] for layer in (model.layers[0], *pools)]
    assert steps == [3**exponent for exponent in range(9, -1, -1)]
    before = [1, *widths[:-1]]
    sizes = [3] * 10 + [1]
    kernels = sum(a * b * size for a, b, size in zip(before, widths, sizes, strict=True))
    # Batch normalisation has four numbers a channel.
    assert model.count_params() == kernels + 4 * sum(widths) + 513 * 50


def test_sample_cnn_shrinks_with_its_segment() -> None:
    audio = dataclasses.replace(AUDIO, segment_samples=729)
    model = sample_cnn.build_model(4, audio, recipe(sample_cnn.MODEL))
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]
    assert [layer.filters for layer in convolutions] == [128, 128, 128, 256, 256, 512, 512]
    assert model.get_layer(index=-3).input.shape == (None, 1, 512)


def test_fcn5_is_the_small_k2c2_of_its_papers() -> None:
    model = fcn5.build_model(50, AUDIO, recipe(fcn5.MODEL))
    assert model.input_shape == (None, 224, 224)
    assert kinds(model) == [
        *["Rescaling", "Reshape"],
        *["Conv2D", "BatchNormalization", "ELU", "MaxPooling2D"] * 4,
        *["Conv2D", "BatchNormalization", "ELU", "GlobalMaxPooling2D"],
        *["Dropout", "Dense"],
    ]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [20, 41, 41, 62, 83]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    sides = [layer.output.shape[1:3] for layer in convolutions]
    assert sides == [(224, 224), (112, 112), (56, 56), (28, 28), (7, 7)]
    # The paper counts 0.1 million.
    assert model.count_params() == pytest.approx(100_000, rel=0.05)


@pytest.mark.parametrize(
    ("network", "length"),
    [(cnn1d.MODEL, 2_000), (sample_cnn.MODEL, 729)],
    ids=["cnn1d", "sample_cnn"],
)
def test_a_clips_scores_are_the_mean_over_segments_from_its_first_to_its_last_sample(
    network: Network, length: int
) -> None:
    audio = AudioConfig(n_windows=3, window_samples=2_000, segment_samples=729)
    model = network.build_model(4, audio, recipe(network))
    clips = np.random.default_rng(0).integers(-9_000, 9_000, (2, 10_000), dtype="int16")
    packed = tf.constant([clip.tobytes() for clip in clips])
    got = network.view.clip_scores(model, packed, audio).numpy()
    starts = [0, (10_000 - length) // 2, 10_000 - length]
    segments = np.stack([clip[at : at + length] for clip in clips for at in starts])
    inputs = segments[..., np.newaxis] / (0.1 * 32_767)
    expected = tf.nn.softmax(model(inputs.astype("f4"))).numpy().reshape(2, 3, 4).mean(axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-6)


def test_a_clip_shorter_than_a_segment_is_repeated() -> None:
    audio = AudioConfig(n_windows=2, window_samples=100, segment_samples=729)
    clip = np.arange(100, dtype="<i2")
    segments = sample_cnn.MODEL.view.segments(tf.constant(clip.tobytes()), audio)
    np.testing.assert_array_equal(segments, [np.tile(clip, 8)[:729]] * 2)


@pytest.mark.parametrize("module", [fcn5, mobilenet])
def test_the_smallest_spectrograms_are_large_enough(module: ModuleType) -> None:
    audio = AudioConfig(n_mels=MIN_SPECTROGRAM_SIDE, spectrogram_columns=MIN_SPECTROGRAM_SIDE)
    model = module.build_model(4, audio, recipe(module.MODEL))
    assert model(np.zeros([1, 32, 32], "f4")).shape == (1, 4)


def test_default_epochs_follow_the_size_of_the_archive() -> None:
    epochs = Epochs(clips=10_000, least=12, most=40)
    assert [epochs.of(n) for n in (0, 98, 240, 500, 6_400, 100_000)] == [40, 40, 40, 20, 12, 12]


def test_what_is_asked_for_goes_before_what_was_tuned_and_that_before_the_default() -> None:
    network = dataclasses.replace(
        cnn1d.MODEL,
        defaults={
            "batch_size": 16, "learning_rate": 1e-3, "dropout": 0.5,
            "label_smoothing": 0.1, "mixup": 0.2,
        },
    )  # fmt: skip
    train = TrainConfig(learning_rate=0.5, mixup=0.0)
    found = network.recipe(train, {"learning_rate": 0.1, "dropout": 0.3}, n_clips=1)
    assert found.values() == {
        "epochs": network.epochs.most, "batch_size": 16, "learning_rate": 0.5, "dropout": 0.3,
        "label_smoothing": 0.1, "mixup": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_search_holds_the_defaults_and_nothing_that_is_not_read(name: str) -> None:
    network = cast(Network, load(NETWORKS[name]))
    assert set(network.space) <= set(network.defaults) <= set(network.settings)
    for setting, values in network.space.items():
        assert network.defaults[setting] in values
        assert list(values) == sorted(set(values))


def test_mobilenet_starts_with_a_frozen_base(mobilenet_model: keras.Model) -> None:
    assert not mobilenet_model.get_layer("base").trainable_weights
    assert len(mobilenet_model.trainable_weights) == 2  # of the head: kernel and bias


def test_an_untrained_base_still_passes_a_signal(mobilenet_model: keras.Model) -> None:
    spectrograms = np.random.default_rng(0).uniform(-1, 1, (4, 64, 64, 3)).astype("f4")
    maps = mobilenet_model.get_layer("base")(spectrograms, training=False).numpy()
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
    spectrograms = np.random.default_rng(0).uniform(0, 255, (4, 64, 64)).astype("f4")
    mobilenet_model.fit(spectrograms, np.array([0, 1, 2, 3]), verbose=0)
    after = [w.numpy() for layer in base.layers for w in layer.non_trainable_weights]
    assert all(np.array_equal(a, b) for a, b in zip(statistics, after, strict=True))


def test_weights_come_from_a_file(tmp_path) -> None:
    keras.utils.set_random_seed(7)
    base = keras.applications.MobileNetV2(input_shape=(64, 64, 3), include_top=False, weights=None)
    path = tmp_path / "base.weights.h5"
    base.save_weights(path)
    model = mobilenet.build_model(
        3, SMALL, recipe(mobilenet.MODEL, TrainConfig(mobilenet_weights=str(path)))
    )
    loaded = model.get_layer("base").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(loaded, base.get_weights(), strict=True))


def test_a_file_that_holds_no_weights_is_named(tmp_path) -> None:
    path = tmp_path / "wrong.h5"
    path.write_bytes(b"not a weights file")
    with pytest.raises(InputError, match=r"wrong\.h5 holds no MobileNetV2 weights"):
        mobilenet.build_base(SMALL, str(path))


def stages(**values: object) -> list[tuple[str, int]]:
    train = TrainConfig(**values)  # type: ignore[arg-type]
    found = mobilenet.stages(recipe(mobilenet.MODEL, train))
    return [(stage.name, stage.epochs) for stage in found]


def test_an_untrained_base_is_not_fine_tuned_unless_asked_for() -> None:
    (head,) = stages(mobilenet_weights="none", epochs=3)
    assert head == ("head", 3)
    both = stages(mobilenet_weights="none", epochs=3, fine_tune_epochs=4)
    assert both == [("head", 3), ("fine_tune", 4)]
    assert stages(mobilenet_weights="imagenet", fine_tune_epochs=0) == stages(
        mobilenet_weights="none"
    )
    assert [name for name, _ in stages(mobilenet_weights="imagenet")] == ["head", "fine_tune"]
