"""Training in stages: best weights, interruption, the same figures twice, replicas."""

import contextlib
import functools
import itertools
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import cnn1d, input_fn, mobilenet
from models.fitting import Stage, fit_stages

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(64, 6)).astype("f4")
LABELS = (INPUTS[:, 0] + INPUTS[:, 1] > 0).astype("int64")


def batches(inputs: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(16)


def small_model(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.layers.Input([6]), keras.layers.Dense(2)])


def fit(model: keras.Model, folder: Path, stages: list[Stage], patience: int = 50) -> None:
    fit_stages(
        model,
        stages,
        training=batches(INPUTS[:48], LABELS[:48]),
        validation=batches(INPUTS[48:], LABELS[48:]),
        strategy=tf.distribute.get_strategy(),
        patience=patience,
        checkpoint_dir=str(folder / "checkpoints"),
        log_dir=str(folder / "logs"),
    )


def losses(folder: Path, stage: str) -> list[float]:
    """Returns the validation losses of the epochs that the one state there tells of."""
    (state,) = (folder / "checkpoints" / stage).glob("*/state.json")
    return [figures["val_loss"] for figures in json.loads(state.read_text())["history"]]


def test_the_model_ends_with_its_best_weights(tmp_path: Path) -> None:
    # A learning rate that overshoots, so that the last epoch is not the best.
    model = small_model()
    fit(model, tmp_path, [Stage("train", 30, 3.0)])
    values = losses(tmp_path, "train")
    assert min(values) < values[-1]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(loss(LABELS[48:], model(INPUTS[48:]))) == pytest.approx(min(values), rel=1e-4)


def test_training_stops_early(tmp_path: Path) -> None:
    fit(small_model(), tmp_path, [Stage("train", 200, 3.0)], patience=3)
    values = losses(tmp_path, "train")
    assert len(values) == values.index(min(values)) + 1 + 3


class Killed(Exception):
    """Stands for a process that is no more."""


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    stages = [Stage("train", 12, 0.01)]
    fit(small_model(), tmp_path / "whole", stages)
    model = small_model()
    with killed_at(model, "save_weights", call=6), pytest.raises(Killed):
        fit(model, tmp_path, stages)
    assert len(losses(tmp_path, "train")) == 5
    fit(small_model(seed=1), tmp_path, stages)
    # Nothing here is drawn at random, so the optimizer's state came back too.
    expected = losses(tmp_path / "whole", "train")
    np.testing.assert_allclose(losses(tmp_path, "train"), expected, rtol=1e-5)


@pytest.mark.parametrize("file", ["latest.weights.h5", "best.weights.h5", "state.json.tmp"])
def test_an_epoch_that_is_half_written_does_not_count(tmp_path: Path, file: str) -> None:
    stages = [Stage("train", 6, 0.01)]
    fit(small_model(), tmp_path, stages[:1])
    half = tmp_path / "checkpoints" / "train" / "7"
    half.mkdir()
    (half / file).write_bytes(b"half of it")
    fit(small_model(seed=1), tmp_path, [Stage("train", 9, 0.01)])
    assert len(losses(tmp_path, "train")) == 9


@contextlib.contextmanager
def killed_at(model: keras.Model, method: str, call: int) -> Iterator[None]:
    """Lets a method of a model raise at a call of it, after it has left half a file."""
    whole, calls = getattr(model, method), itertools.count(1)

    def dying(path: str) -> None:
        if next(calls) == call:
            Path(path).write_bytes(b"half")
            raise Killed
        whole(path)

    setattr(model, method, dying)
    yield


def test_a_stage_that_is_done_is_not_fitted_again(tmp_path: Path) -> None:
    first = small_model()
    fit(first, tmp_path, [Stage("head", 5, 0.01)])
    again = small_model(seed=3)
    fit(again, tmp_path, [Stage("head", 5, 0.01), Stage("fine_tune", 2, 1e-9)])
    assert len(losses(tmp_path, "head")) == 5
    assert len(losses(tmp_path, "fine_tune")) == 2
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("network", [cnn1d.NETWORK, mobilenet.NETWORK])
def test_batches_have_static_shapes_and_the_same_order_twice(transformed, network) -> None:
    def read() -> list[tuple[np.ndarray, np.ndarray]]:
        dataset = input_fn.training_batches(
            [transformed.pattern],
            network.feature,
            functools.partial(network.expand, audio=transformed.config),
            batch_size=5,
            seed=3,
            drop_remainder=True,
        )
        shapes = [spec.shape.as_list() for spec in dataset.element_spec]
        assert all(None not in shape for shape in shapes), shapes
        return list(dataset.as_numpy_iterator())

    first, second = read(), read()
    per_clip = 3 if network is cnn1d.NETWORK else 1
    assert len(first) == 24 * per_clip // 5
    for (inputs, labels), (inputs_again, labels_again) in zip(first, second, strict=True):
        np.testing.assert_array_equal(inputs, inputs_again)
        np.testing.assert_array_equal(labels, labels_again)
    in_file_order = [label for _, label in input_fn.clips([transformed.pattern], network.feature)]
    assert [label for _, batch in first for label in batch] != in_file_order


def test_the_same_weights_come_out_on_several_replicas(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import numpy as np, tensorflow as tf
        (cpu,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        import keras
        from models.fitting import Stage
        from models.fitting import fit_stages
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        rng = np.random.default_rng(0)
        x = rng.normal(size=(32, 6)).astype("f4"); y = (x[:, 0] > 0).astype("int64")
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16, drop_remainder=True)
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = keras.Sequential([keras.layers.Input([6]), keras.layers.Dense(2)])
        fit_stages(model, [Stage("train", 40, 0.1)], training=data, validation=data,
                   strategy=strategy, patience=40, checkpoint_dir={str(tmp_path / "c")!r},
                   log_dir={str(tmp_path / "l")!r})
        print(strategy.num_replicas_in_sync, (model(x).numpy().argmax(1) == y).mean())
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    replicas, accuracy = done.stdout.split()
    assert replicas == "2"
    assert float(accuracy) > 0.9
