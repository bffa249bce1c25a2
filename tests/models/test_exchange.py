"""What one generation of TFX exports, the other reads: SavedModels in plain TensorFlow, weights.

The two meet in a folder, EXCHANGE_DIR. EXCHANGE_WITH names the TFX whose models must be in it by
now, such as 1.16.0. `.ci/run` sets both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import tensorflow as tf
import tfx.version

from models.config import TrainConfig
from models.networks.network import Network
from models.registry import MODELS, NETWORKS
from models.spec import load
from models.training import input_fn
from tests.stand_ins import wav_of

TOLERANCE = 1e-4
WEIGHTS = "model.weights.h5"

PREDICT = textwrap.dedent("""
    import sys
    import numpy as np
    import tensorflow as tf
    folder, result = sys.argv[1:]
    signatures = tf.saved_model.load(folder + "/saved_model").signatures
    examples = tf.data.TFRecordDataset(folder + "/examples").as_numpy_iterator()
    wav = open(folder + "/clip.wav", "rb").read()
    np.savez(
        result,
        serving_default=signatures["serving_default"](examples=tf.constant(list(examples)))["scores"],
        predict_wav=signatures["predict_wav"](wav=tf.constant([wav]))["scores"],
    )
    ours = {"models", "pipeline", "components", "tfx", "tensorflow_transform"}
    assert not ours & sys.modules.keys(), ours & sys.modules.keys()
""")


@pytest.fixture(scope="module")
def exchange() -> Path:
    """Return the folder in which the generations meet."""
    folder = os.environ.get("EXCHANGE_DIR")
    if not folder:
        pytest.skip("EXCHANGE_DIR names no folder in which the two generations could meet")
    return Path(folder)


def predict(folder: Path, result: Path) -> dict[str, np.ndarray]:
    """Return the scores by signature that a process with plain TensorFlow gets."""
    command = [sys.executable, "-c", PREDICT, str(folder), str(result)]
    done = subprocess.run(command, cwd=result.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    return dict(np.load(result))


def packed_clips(folder: Path) -> tf.Tensor:
    """Return the packed clips in a folder, string [clips]."""
    return tf.stack(list(tf.data.TFRecordDataset(str(folder / "packed"))))


def write_records(path: Path, records: list[bytes]) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def test_this_generation_leaves_its_models(trained, transformed, exchange, tmp_path) -> None:
    ours = tmp_path / trained.name
    shutil.copytree(trained.fn_args.serving_model_dir, ours / "saved_model")
    write_records(ours / "examples", transformed.raw)
    (ours / "clip.wav").write_bytes(wav_of(transformed.raw[-1], rate_hz=48_000))
    scores = predict(ours, tmp_path / "scores.npz")
    if trained.name in NETWORKS:
        network = trained.scorer.scorer  # without its temperature
        network.model.save_weights(ours / WEIGHTS)
        packed = input_fn.clips([transformed.pattern], trained.feature)
        write_records(ours / "packed", [clip.numpy() for clip, _ in packed])
        scores["packed"] = network.clip_scores(packed_clips(ours)).numpy()
        assert scores["packed"].shape == (24, 3)
    assert scores["serving_default"].shape == (24, 3)
    np.savez(ours / "expected.npz", **scores)
    theirs = exchange / tfx.version.__version__ / trained.name
    shutil.rmtree(theirs, ignore_errors=True)
    shutil.copytree(ours, theirs)


def left_by_the_other_generation(name: str, exchange: Path) -> SimpleNamespace:
    """Return where the other generation left a model, and the scores that it got."""
    version = os.environ.get("EXCHANGE_WITH")
    if not version:
        pytest.skip("EXCHANGE_WITH names no other generation")
    assert version != tfx.version.__version__
    folder = exchange / version / name
    assert folder.exists(), f"TFX {version} left no {name} in {exchange}"
    expected = dict(np.load(folder / "expected.npz"))
    return SimpleNamespace(folder=folder, expected=expected)


@pytest.mark.parametrize("name", MODELS)
def test_plain_tensorflow_predicts_as_the_other_generation_did(name, exchange, tmp_path) -> None:
    theirs = left_by_the_other_generation(name, exchange)
    scores = predict(theirs.folder, tmp_path / "scores.npz")
    for signature, found in scores.items():
        difference = np.abs(found - theirs.expected[signature]).max()
        print(f"{name} {signature}: scores differ by at most {difference:.1e}")
        assert difference <= TOLERANCE


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_of_the_other_generation_load(name, exchange, transformed) -> None:
    theirs = left_by_the_other_generation(name, exchange)
    network, audio = cast(Network, load(NETWORKS[name])), transformed.config
    recipe = network.recipe(TrainConfig(mobilenet_weights="none"), {}, n_clips=24)
    model = network.build_model(3, audio, recipe)
    model.load_weights(theirs.folder / WEIGHTS)
    found = network.view.clip_scores(model, packed_clips(theirs.folder), audio).numpy()
    difference = np.abs(found - theirs.expected["packed"]).max()
    print(f"{name} weights: scores differ by at most {difference:.1e}")
    assert difference <= TOLERANCE
