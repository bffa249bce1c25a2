"""Training in stages: best weights, interruption, the same figures twice, replicas."""

import contextlib
import dataclasses
import itertools
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.training.loop import Batches, Stage, fit_stages, split_at, warm_cosine

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(64, 6)).astype("f4")
TARGETS = np.eye(2, dtype="f4")[(INPUTS[:, 0] + INPUTS[:, 1] > 0).astype(int)]


def data(stage: Stage, trunk: keras.Model | None, epochs_done: int) -> Batches:
    """Returns the same batches at every epoch of every stage."""
    inputs = INPUTS if trunk is None else trunk.predict(INPUTS, verbose=0)
    weights = np.ones(48, "f4")
    training = tf.data.Dataset.from_tensor_slices((inputs[:48], TARGETS[:48], weights))
    validation = tf.data.Dataset.from_tensor_slices((inputs[48:], TARGETS[48:]))
    return Batches(training.batch(16), validation.batch(16))


def small_model(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.layers.Input([6]), keras.layers.Dense(2)])


def fit(
    model: keras.Model,
    folder: Path,
    stages: list[Stage],
    patience: int = 50,
    data: Callable[..., Batches] = data,
) -> None:
    fit_stages(
        model,
        stages,
        data=data,
        steps_per_epoch=3,
        strategy=tf.distribute.get_strategy(),
        patience=patience,
        checkpoint_dir=str(folder / "checkpoints"),
        log_dir=str(folder / "logs"),
    )


def validation_loss(model: keras.Model) -> float:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return float(loss(TARGETS[48:], model(INPUTS[48:])))


def losses(folder: Path, stage: str) -> list[float]:
    """Returns the validation losses of the epochs that the one state there tells of."""
    (state,) = (folder / "checkpoints" / stage).glob("*/state.json")
    return [figures["val_loss"] for figures in json.loads(state.read_text())["history"]]


def test_the_model_ends_with_its_best_weights(tmp_path: Path) -> None:
    # A learning rate that overshoots, so that the last epoch is not the best.
    model = small_model()
    fit(model, tmp_path, [Stage("train", 20, 3.0)])
    values = losses(tmp_path, "train")
    assert min(values) < values[-1]
    assert validation_loss(model) == pytest.approx(min(values), rel=1e-4)


def test_training_stops_early(tmp_path: Path) -> None:
    fit(small_model(), tmp_path, [Stage("train", 40, 3.0)], patience=3)
    values = losses(tmp_path, "train")
    assert len(values) == values.index(min(values)) + 1 + 3


class Killed(Exception):
    """Stands for a process that is no more."""


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    stages = [Stage("train", 6, 0.01)]
    fit(small_model(), tmp_path / "whole", stages)
    model = small_model()
    with killed_at(model, "save_weights", call=4), pytest.raises(Killed):
        fit(model, tmp_path, stages)
    assert len(losses(tmp_path, "train")) == 3
    fit(small_model(seed=1), tmp_path, stages)
    # Nothing here is drawn at random, so the optimizer's state came back too.
    expected = losses(tmp_path / "whole", "train")
    np.testing.assert_allclose(losses(tmp_path, "train"), expected, rtol=1e-5)


@pytest.mark.parametrize("file", ["latest.weights.h5", "best.weights.h5", "state.json.tmp"])
def test_an_epoch_that_is_half_written_does_not_count(tmp_path: Path, file: str) -> None:
    fit(small_model(), tmp_path, [Stage("train", 2, 0.01)])
    half = tmp_path / "checkpoints" / "train" / "3"
    half.mkdir()
    (half / file).write_bytes(b"half of it")
    fit(small_model(seed=1), tmp_path, [Stage("train", 4, 0.01)])
    assert len(losses(tmp_path, "train")) == 4


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
    fit(first, tmp_path, [Stage("head", 2, 0.01)])
    again = small_model(seed=3)
    fit(again, tmp_path, [Stage("head", 2, 0.01), Stage("fine_tune", 2, 1e-9)])
    assert len(losses(tmp_path, "head")) == 2
    assert len(losses(tmp_path, "fine_tune")) == 2
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_stage_that_makes_it_worse_is_not_kept(tmp_path: Path) -> None:
    model = small_model()
    fit(model, tmp_path, [Stage("head", 30, 0.1), Stage("fine_tune", 2, 30.0)])
    best = min(losses(tmp_path, "head"))
    assert min(losses(tmp_path, "fine_tune")) > best
    assert validation_loss(model) == pytest.approx(best, rel=1e-4)


def test_behind_a_trunk_only_the_rest_is_fitted(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = layers.Input([6])
    between = layers.Dense(8, activation="relu", name="between")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.1)(between)))
    trunk, rest = split_at(model, "between")
    assert trunk is not None
    np.testing.assert_allclose(rest(trunk(INPUTS)), model(INPUTS), rtol=1e-6)
    before = model.get_weights()
    fit(model, tmp_path, [Stage("head", 6, 0.1, trunk="between")])
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True]
    assert validation_loss(model) == pytest.approx(min(losses(tmp_path, "head")), rel=1e-4)


def test_the_learning_rate_rises_in_a_line_and_falls_along_a_cosine() -> None:
    schedule = warm_cosine(0.1, 400)
    rates = np.array([float(schedule(step)) for step in range(400)])
    assert rates.argmax() == 20
    np.testing.assert_allclose(np.diff(rates[:21], n=2), 0, atol=1e-6)
    assert 0 < rates[0] < rates[20] == pytest.approx(0.1)
    done = np.arange(380) / 380
    np.testing.assert_allclose(rates[20:], 0.05 * (1 + np.cos(np.pi * done)), atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_a_short_stage_learns_from_its_first_step_on(steps: int) -> None:
    rates = [float(warm_cosine(0.1, steps)(step)) for step in range(steps)]
    assert rates[0] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_the_same_weights_come_out_on_several_replicas(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import numpy as np, tensorflow as tf
        (cpu,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        import keras
        from models.training.loop import Batches, Stage, fit_stages
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        rng = np.random.default_rng(0)
        x = rng.normal(size=(32, 6)).astype("f4"); y = (x[:, 0] > 0).astype("int64")
        one_hot = np.eye(2, dtype="f4")[y]
        training = tf.data.Dataset.from_tensor_slices((x, one_hot, np.ones(32, "f4")))
        validation = tf.data.Dataset.from_tensor_slices((x, one_hot))
        both = Batches(*(d.batch(16, drop_remainder=True) for d in (training, validation)))
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = keras.Sequential([keras.layers.Input([6]), keras.layers.Dense(2)])
        fit_stages(model, [Stage("train", 6, 1.0)], data=lambda *_: both, steps_per_epoch=2,
                   strategy=strategy, patience=6, checkpoint_dir={str(tmp_path / "c")!r},
                   log_dir={str(tmp_path / "l")!r})
        print(strategy.num_replicas_in_sync, (model(x).numpy().argmax(1) == y).mean())
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    replicas, accuracy = done.stdout.split()
    assert replicas == "2"
    assert float(accuracy) > 0.9


def test_a_stage_that_never_was_a_number_fails(tmp_path: Path) -> None:
    model = small_model()
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    with pytest.raises(FloatingPointError, match="loss of train is not a number"):
        fit(model, tmp_path, [Stage("train", 2, 0.01)])
    assert not (tmp_path / "checkpoints").exists()


def test_a_stage_whose_end_is_known_compares_nothing_and_keeps_its_last_weights(
    tmp_path: Path,
) -> None:
    stage = Stage("train", 20, 3.0)
    fit(compared := small_model(), tmp_path / "compared", [stage])
    values = losses(tmp_path / "compared", "train")
    best = values.index(min(values)) + 1
    assert best < len(values)

    def uncompared(*arguments: Any) -> Batches:
        return data(*arguments)._replace(validation=None)

    known = [dataclasses.replace(stage, stop_after=best)]
    fit(model := small_model(), tmp_path, known, patience=1, data=uncompared)
    for got, expected in zip(model.get_weights(), compared.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
