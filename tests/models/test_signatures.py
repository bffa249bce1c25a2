"""An exported SavedModel, loaded with plain TensorFlow."""

import io
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from models import cnn1d, features, input_fn, mobilenet, signatures, trainer
from models.signatures import export
from pipeline.config import TrainConfig


@pytest.fixture(scope="module", params=["cnn1d", "mobilenet_v2"])
def trained(request, transformed, tmp_path_factory) -> SimpleNamespace:
    """A model through the real run_fn."""
    folder = tmp_path_factory.mktemp(request.param)
    train = TrainConfig(epochs=5, batch_size=4, mobilenet_weights="none", learning_rate=3e-3)
    fn_args = SimpleNamespace(
        custom_config={
            "model": request.param,
            "audio": vars(transformed.config),
            "train": vars(train),
            "checkpoint_dir": str(folder / "checkpoints"),
        },
        transform_output=transformed.output.transform_savedmodel_dir.rsplit("/", 1)[0],
        train_files=[transformed.pattern],
        eval_files=[transformed.pattern],
        model_run_dir=str(folder / "run"),
        serving_model_dir=str(folder / "model"),
    )
    exported = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            signatures,
            "export",
            lambda directory, **kwargs: exported.update(kwargs) or export(directory, **kwargs),
        )
        trainer.run_fn(fn_args)
    return SimpleNamespace(
        name=request.param, folder=folder, fn_args=fn_args, model=exported["model"]
    )


def wav_of(raw: bytes, rate_hz: int = 22_050) -> bytes:
    example = tf.train.Example.FromString(raw)
    (pcm16,) = example.features.feature[features.AUDIO].bytes_list.value
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm16, "<i2"), rate_hz, format="WAV")
    return file.getvalue()


def test_it_has_learned_and_names_the_genres(trained, transformed) -> None:
    loaded = tf.saved_model.load(trained.fn_args.serving_model_dir)
    got = loaded.signatures["serving_default"](examples=tf.constant(transformed.raw))
    scores, classes = got["scores"].numpy(), got["classes"].numpy()
    assert scores.shape == classes.shape == (24, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    vocabulary = transformed.output.vocabulary_by_name(features.GENRE_VOCABULARY)
    assert (classes == np.array(vocabulary)).all()
    right = [
        row[at].decode() == genre
        for row, at, genre in zip(classes, scores.argmax(axis=1), transformed.genres, strict=True)
    ]
    assert np.mean(right) > 0.6


def test_serving_scores_are_those_of_the_training_path(trained, transformed) -> None:
    loaded = tf.saved_model.load(trained.fn_args.serving_model_dir)
    family = {"cnn1d": cnn1d, "mobilenet_v2": mobilenet}[trained.name]
    packed = tf.stack([p for p, _ in input_fn.clips([transformed.pattern], family.FEATURE)])
    trained_on = family.clip_scores(trained.model, packed, transformed.config).numpy()
    served = loaded.signatures["serving_default"](examples=tf.constant(transformed.raw))["scores"]
    # The records' order is Beam's; each clip's scores must be among those of the training path.
    for row in served.numpy():
        assert np.abs(trained_on - row).max(axis=1).min() < 1e-4


def test_predict_wav_gives_the_scores_of_serving_default(trained, transformed) -> None:
    loaded = tf.saved_model.load(trained.fn_args.serving_model_dir)
    expected = loaded.signatures["serving_default"](examples=tf.constant(transformed.raw[:4]))
    wavs = tf.constant([wav_of(raw) for raw in transformed.raw[:4]])
    got = loaded.signatures["predict_wav"](wav=wavs)
    # The same samples at the same rate: nothing is resampled, nothing may differ.
    np.testing.assert_allclose(got["scores"], expected["scores"], atol=1e-5)


def test_transform_features_gives_the_label(trained, transformed) -> None:
    loaded = tf.saved_model.load(trained.fn_args.serving_model_dir)
    got = loaded.signatures["transform_features"](examples=tf.constant(transformed.raw[:6]))
    vocabulary = transformed.output.vocabulary_by_name(features.GENRE_VOCABULARY)
    named = [vocabulary[label].decode() for label in got["label"].numpy()]
    assert named == transformed.genres[:6]
    assert {len(picture) for picture in got["picture"].numpy()} == {96 * 96}


def test_checkpoints_are_gone_and_tensorboard_logs_are_there(trained) -> None:
    assert list((trained.folder / "checkpoints").iterdir()) == []
    assert list((trained.folder / "run").rglob("events.out.tfevents*"))


@pytest.mark.e2e
def test_the_same_training_twice_gives_the_same_scores(trained, transformed) -> None:
    again = SimpleNamespace(**vars(trained.fn_args))
    again.serving_model_dir = str(trained.folder / "again")
    trainer.run_fn(again)
    examples = tf.constant(transformed.raw)
    scores = [
        tf.saved_model.load(path).signatures["serving_default"](examples=examples)["scores"]
        for path in (trained.fn_args.serving_model_dir, again.serving_model_dir)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_it_needs_nothing_but_tensorflow(trained, transformed, tmp_path: Path) -> None:
    wav = tmp_path / "clip.wav"
    wav.write_bytes(wav_of(transformed.raw[1], rate_hz=48_000))
    code = textwrap.dedent("""
        import json, sys
        import tensorflow as tf
        model = tf.saved_model.load(sys.argv[1])
        got = model.signatures["predict_wav"](wav=tf.constant([open(sys.argv[2], "rb").read()]))
        ours = {"models", "pipeline", "components", "tfx", "tensorflow_transform", "librosa"}
        assert not ours & sys.modules.keys(), ours & sys.modules.keys()
        print(json.dumps([c.decode() for c in got["classes"].numpy()[0]]))
    """)
    done = subprocess.run(
        [sys.executable, "-c", code, trained.fn_args.serving_model_dir, str(wav)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert sorted(json.loads(done.stdout)) == ["high", "low", "noise"]
