"""What a TPU asks of a training, as far as a CPU can tell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.config import (
    disable_op_determinism,
    enable_op_determinism,
    is_op_determinism_enabled,
)

from models.config import TrainConfig
from models.networks import network
from models.registry import MODELS, NETWORKS
from models.spec import TrainedModel, TrainingContext, load
from models.training import devices, input_fn, padded_batches
from models.training.devices import Execution
from models.training.loop import Batches, Stage, fit_stages

AS_ON_A_TPU = Execution("mixed_bfloat16", steps_per_execution=2, jit_compile=True)


@contextlib.contextmanager
def xla_allowed() -> Iterator[None]:
    """Lets operations be what a TPU's are: Keras leaves XLA out where they are deterministic."""
    before = is_op_determinism_enabled()
    disable_op_determinism()
    try:
        yield
    finally:
        if before:
            enable_op_determinism()


def context(name: str, transformed: Any, folder: Path, **values: Any) -> TrainingContext:
    train = TrainConfig(
        **{
            "epochs": 2,
            "batch_size": 5,
            "mobilenet_weights": "none",
            "fine_tune_epochs": 1,
            **values,
        }
    )
    return TrainingContext(
        name=name,
        n_classes=3,
        train_files=[transformed.pattern],
        eval_files=[transformed.pattern],
        audio=transformed.config,
        train=train,
        checkpoint_dir=str(folder / "checkpoints"),
        log_dir=str(folder / "logs"),
    )


# XLA takes half a minute for the layers of MobileNetV2.
BY_TIME = [
    pytest.param(name, marks=pytest.mark.e2e if name == "mobilenet_v2" else ()) for name in NETWORKS
]


@pytest.fixture(scope="module", params=BY_TIME)
def seen(
    request: pytest.FixtureRequest, transformed: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A training of every network with its steps compiled by XLA, and what it was trained on."""
    found: dict[str, Any] = {"models": [], "specs": [], "shapes": set()}
    spec = load(MODELS[request.param])
    fit, compiled = keras.Model.fit, []

    def watched(self: keras.Model, x: tf.data.Dataset, **arguments: Any) -> Any:
        found["models"].append(self)
        validation = arguments["validation_data"]
        found["specs"] += [x.element_spec, validation.element_spec]
        found["shapes"] |= {tuple(inputs.shape) for inputs, _, _ in validation}
        compiled.append((self.jit_compile, self.steps_per_execution))
        return fit(self, x, **arguments)

    with pytest.MonkeyPatch.context() as patch, xla_allowed():
        patch.setattr(tf.config.experimental, "enable_op_determinism", lambda: None)
        patch.setattr(network, "execution_on", lambda strategy: AS_ON_A_TPU)
        patch.setattr(keras.Model, "fit", watched)
        folder = tmp_path_factory.mktemp(request.param)
        found["context"] = context(request.param, transformed, folder)
        found["trained"] = spec.train(found["context"])
    assert set(compiled) == {(True, 2)}
    return found


def test_every_batch_is_whole_and_of_numbers(seen: dict[str, Any]) -> None:
    assert len(seen["specs"]) >= 2
    for specs in seen["specs"]:
        assert len(specs) == 3
        for spec in specs:
            assert spec.shape.is_fully_defined()
            assert spec.dtype == tf.float32
        assert {spec.shape[0] for spec in specs} == {5}
    assert seen["shapes"] <= {tuple(inputs.shape) for inputs, _, _ in seen["specs"]}


def test_layers_compute_in_bfloat16_and_the_logits_are_float32(seen: dict[str, Any]) -> None:
    model = seen["models"][-1]
    logits = model.layers[-1]
    hidden = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if layer.weights and layer is not logits and not isinstance(layer, keras.Model)
    ]
    assert {layer.compute_dtype for layer in hidden} == {"bfloat16"}
    assert logits.compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_what_is_served_computes_in_float32(seen: dict[str, Any], transformed: Any) -> None:
    trained: TrainedModel = seen["trained"]
    layers = trained.scorer.model._flatten_layers()
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    clips = input_fn.clips([transformed.pattern], trained.feature).take(4)
    scores = trained.scorer.clip_scores(tf.stack([packed for packed, _ in clips]))
    np.testing.assert_allclose(scores.numpy().sum(axis=1), 1, atol=1e-6)


def test_losses_are_numbers_and_every_epoch_counts(seen: dict[str, Any]) -> None:
    trained: TrainedModel = seen["trained"]
    pretrained = seen["context"].name in ("mobilenet_v2", "musicnn_tuned")
    stages = {"head": 2, "fine_tune": 1} if pretrained else {"train": 2}
    assert {curve["stage"]: len(curve["epochs"]) for curve in trained.curves} == stages
    for curve in trained.curves:
        for epoch in curve["epochs"]:
            assert np.isfinite([epoch["loss"], epoch["val_loss"]]).all()


def small_model(*before: keras.layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.layers.Input([6]), *before, keras.layers.Dense(2)])


RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(48, 6)).astype("f4")
TARGETS = np.eye(2, dtype="f4")[(INPUTS[:, 0] > 0).astype(int)]


def fit(model: keras.Model, folder: str, epochs: int = 3, **arguments: Any) -> list[dict[str, Any]]:
    training = tf.data.Dataset.from_tensor_slices((INPUTS, TARGETS, np.ones(48, "f4")))
    plain = tf.data.Dataset.from_tensor_slices((INPUTS[:20], TARGETS[:20])).batch(16)
    (curve,) = fit_stages(
        model,
        [Stage("train", epochs, 0.1)],
        data=lambda *_: Batches(training.batch(16), padded_batches.weighted(plain, 16, 20)),
        steps_per_epoch=3,
        strategy=tf.distribute.get_strategy(),
        patience=50,
        checkpoint_dir=f"{folder}/checkpoints",
        log_dir=f"{folder}/logs",
        **arguments,
    )
    return list(curve["epochs"])


class Strings(keras.layers.Layer):
    """Work that belongs before the step."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.strings.to_number(tf.strings.as_string(tf.stop_gradient(inputs)))


def test_a_step_with_work_on_strings_would_be_noticed(tmp_path: Path) -> None:
    fit(small_model(Strings()), str(tmp_path / "plain"))
    with xla_allowed(), pytest.raises(tf.errors.InvalidArgumentError, match="XLA"):
        fit(small_model(Strings()), str(tmp_path / "xla"), execution=AS_ON_A_TPU)


def test_several_steps_at_once_are_the_same_steps(tmp_path: Path) -> None:
    one = fit(small_model(), str(tmp_path / "one"))
    two = fit(small_model(), str(tmp_path / "two"), execution=Execution(steps_per_execution=2))
    for name in ("val_loss", "val_accuracy", "loss"):
        np.testing.assert_allclose(
            [epoch[name] for epoch in one], [epoch[name] for epoch in two], rtol=1e-5
        )


def test_filled_batches_change_no_figure() -> None:
    model = small_model()
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[padded_batches.LabelledAccuracy(name="accuracy")],
    )
    plain = tf.data.Dataset.from_tensor_slices((INPUTS[:20], TARGETS[:20]))
    expected = model.evaluate(plain.batch(20), verbose=0)
    for batch_size in (1, 3, 16, 20, 64):
        whole = padded_batches.weighted(plain.batch(batch_size), batch_size, 20)
        assert {batch[0].shape[0] for batch in whole} == {batch_size}
        np.testing.assert_allclose(model.evaluate(whole, verbose=0), expected, rtol=1e-5)


def test_predictions_are_of_the_inputs_alone() -> None:
    model = small_model()
    inputs = tf.data.Dataset.from_tensor_slices(INPUTS[:20])
    found = padded_batches.predict(model, inputs, 16, 20)
    np.testing.assert_allclose(found, model(INPUTS[:20]), rtol=1e-5)
    assert found.dtype == np.float32


def test_a_clip_of_no_genre_is_neither_right_nor_wrong() -> None:
    metric = padded_batches.LabelledAccuracy()
    metric.update_state(np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 1.0], [1.0, 2.0]]))
    assert float(metric.result()) == 1.0


def test_checkpoints_go_to_a_remote_file_system_and_come_back_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # TensorFlow's file system in memory is reached as a bucket is: by a scheme, through gfile.
    remote = "ram://bucket/run"
    trained = small_model()
    first = fit(trained, remote, epochs=2)
    assert first[1]["val_loss"] < first[0]["val_loss"]  # so that the best weights are the latest
    assert tf.io.gfile.exists(f"{remote}/checkpoints/train/2/latest.weights.h5")
    model = small_model()
    go_on, begun_with = keras.Model.fit, []

    def watched(self: keras.Model, *data: Any, **arguments: Any) -> Any:
        begun_with.append((int(self.optimizer.iterations), self.get_weights()))
        return go_on(self, *data, **arguments)

    monkeypatch.setattr(keras.Model, "fit", watched)
    resumed = fit(model, remote, epochs=4)
    [(iterations, weights)] = begun_with
    assert iterations == 2 * 3
    for restored, before in zip(weights, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(restored, before)
    assert resumed[:2] == first
    assert len(resumed) == 4
    assert tf.io.gfile.listdir(f"{remote}/checkpoints/train") == ["4"]
    assert not Path("ram:").exists()


def test_only_a_tpu_computes_in_bfloat16() -> None:
    assert devices.execution_on(tf.distribute.get_strategy()) == Execution()
    tpu = tf.distribute.TPUStrategy.__new__(tf.distribute.TPUStrategy)
    assert devices.execution_on(tpu).dtype_policy == "mixed_bfloat16"
    assert devices.execution_on(tpu).steps_per_execution > 1
