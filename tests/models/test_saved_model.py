"""An exported SavedModel, loaded with plain TensorFlow."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from features import example_keys
from models import run_fn, saved_model
from models.config import TrainConfig
from models.registry import MODEL_NAMES
from models.training import fit_record, input_fn
from tests.models import tiny_network
from tests.models.trainer import train_and_export
from tests.stand_ins import wav_of, wav_of_samples

# What is the same in every SavedModel is looked at in the first one.
any_model = pytest.mark.parametrize("trained", MODEL_NAMES[:1], indirect=True)


def test_it_has_learned_and_scores_as_on_the_training_path(trained, transformed) -> None:
    got = trained.loaded.signatures["serving_default"](examples=tf.constant(transformed.raw))
    scores, classes = got["scores"].numpy(), got["classes"].numpy()
    assert scores.shape == classes.shape == (24, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    vocabulary = transformed.output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    assert (classes == np.array(vocabulary)).all()
    right = [
        row[at].decode() == genre
        for row, at, genre in zip(classes, scores.argmax(axis=1), transformed.genres, strict=True)
    ]
    assert np.mean(right) > 0.6
    packed = tf.stack([p for p, _ in input_fn.clips([transformed.pattern], trained.feature)])
    trained_on = trained.scorer.clip_scores(packed).numpy()
    # The records' order is Beam's; each clip's scores must be among those of the training path.
    for row in scores:
        assert np.abs(trained_on - row).max(axis=1).min() < 1e-4


def test_predict_wav_gives_the_scores_of_serving_default(trained, transformed) -> None:
    expected = trained.loaded.signatures["serving_default"](
        examples=tf.constant(transformed.raw[:4])
    )
    wavs = tf.constant([wav_of(raw) for raw in transformed.raw[:4]])
    got = trained.loaded.signatures["predict_wav"](wav=wavs)
    # The same samples at the same rate: nothing is resampled, nothing may differ.
    np.testing.assert_allclose(got["scores"], expected["scores"], atol=1e-5)


def test_no_clips_give_no_scores(trained) -> None:
    nothing = tf.constant([], tf.string)
    for answer in (
        trained.loaded.signatures["serving_default"](examples=nothing),
        trained.loaded.signatures["predict_wav"](wav=nothing),
    ):
        assert answer["scores"].shape == answer["classes"].shape == (0, 3)


@any_model
def test_predict_wav_refuses_what_cannot_be_judged(trained) -> None:
    predict = trained.loaded.signatures["predict_wav"]
    for n_samples, message in ((10, "at least 1 s are needed"), (44_100, "silent")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            predict(wav=tf.constant([wav_of_samples(np.zeros(n_samples, "<i2"))]))


@any_model
def test_transform_features_gives_the_label(trained, transformed) -> None:
    got = trained.loaded.signatures["transform_features"](examples=tf.constant(transformed.raw[:6]))
    vocabulary = transformed.output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    named = [vocabulary[label].decode() for label in got["label"].numpy()]
    assert named == transformed.genres[:6]
    assert {len(image) for image in got[example_keys.LOG_MEL].numpy()} == {96 * 96}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1.0, "unknown"), (0.0, "under 10 s"), (9.99, "under 10 s"), (10.0, "10 to 20 s"),
        (28.9, "20 to 29 s"), (29.98, "about 30 s"), (30.04, "about 30 s"), (31.0, "31 s to 2 min"),
        (200.0, "2 to 5 min"), (3_600.0, "over 5 min"),
    ],
)  # fmt: skip
def test_a_duration_in_words(seconds: float, expected: str) -> None:
    (found,) = saved_model.duration_class(tf.constant([seconds])).numpy()
    assert found.decode() == expected


@any_model
def test_evaluation_features_tell_the_duration_in_words(trained, transformed) -> None:
    example = tf.train.Example.FromString(transformed.raw[0])
    del example.features.feature[example_keys.DURATION_SECONDS]
    unknown = example.SerializeToString()
    example.features.feature[example_keys.DURATION_SECONDS].float_list.value.append(250.0)
    given = tf.constant([unknown, example.SerializeToString()])
    found = trained.loaded.signatures["evaluation_features"](examples=given)
    assert found["duration"].numpy().tolist() == [b"unknown", b"2 to 5 min"]
    label = trained.loaded.signatures["transform_features"](examples=given)["label"]
    assert found["label"].numpy().tolist() == label.numpy().tolist()


def test_a_record_of_the_training_goes_with_the_model(trained) -> None:
    record = fit_record.read(trained.fn_args.serving_model_dir)
    assert (record.name, record.status, record.reason) == (trained.name, "trained", None)
    assert record.feature == trained.feature
    # In the order of the classes.
    names = trained.transform_output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    assert record.genres == [name.decode() for name in names]
    assert record.training_seconds > 0
    saved = trained.fn_args.serving_model_dir
    variables = tf.train.load_checkpoint(f"{saved}/variables/variables")
    held = [variables.get_tensor(key) for key in variables.get_variable_to_shape_map()]
    # Beside the model's there are strings and whole numbers: names, and the state of dropout.
    sizes = [v.size for v in held if getattr(v, "dtype", None) in (np.float32, np.float64)]
    assert record.parameters == sum(sizes)


def test_checkpoints_are_gone_and_tensorboard_logs_are_there(trained) -> None:
    assert list((trained.folder / "checkpoints").glob("*")) == []
    # Of what is trained by epochs; the other models are fitted at once.
    curves = fit_record.read(trained.fn_args.serving_model_dir).curves
    assert bool(list((trained.folder / "run").rglob("events.out.tfevents*"))) == bool(curves)


def test_it_holds_no_pickle(trained) -> None:
    folder = Path(trained.fn_args.serving_model_dir)
    files = [path for path in folder.rglob("*") if path.is_file()]
    expected = {
        "saved_model.pb", "fingerprint.pb", "variables.index", "variables.data-00000-of-00001",
        "genres", "fit.json", "audio.json",
    }  # fmt: skip
    assert {path.name for path in files} <= expected
    assert not [path for path in files if path.read_bytes()[:2] in (b"\x80\x03", b"\x80\x04")]


def test_a_model_of_fmas_features_scores_them_alone(transformed, tmp_path: Path) -> None:
    done = train_and_export("gaussian_nb", transformed, tmp_path, TrainConfig(feature_set="fma"))
    record = fit_record.read(done.fn_args.serving_model_dir)
    assert (record.servable, record.feature) == (False, example_keys.FMA_FEATURES)
    loaded = tf.saved_model.load(done.fn_args.serving_model_dir)
    assert set(loaded.signatures) == {
        "serving_default", "transform_features", "evaluation_features",
    }  # fmt: skip
    serve = loaded.signatures["serving_default"]
    scores = serve(examples=tf.constant(transformed.raw))["scores"].numpy()
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert scores.argmax(axis=1).std() > 0
    without_audio = [without(example_keys.AUDIO, raw) for raw in transformed.raw]
    np.testing.assert_array_equal(serve(examples=tf.constant(without_audio))["scores"], scores)
    without_fma = [without(example_keys.FMA_FEATURES, raw) for raw in transformed.raw]
    with pytest.raises(tf.errors.InvalidArgumentError, match="fma_features"):
        serve(examples=tf.constant(without_fma))
    got = loaded.signatures["transform_features"](examples=tf.constant(transformed.raw[:2]))
    assert {len(values) for values in got["fma_features"].numpy()} == {4 * 518}


def test_audio_is_enough_for_the_others(trained, transformed) -> None:
    assert fit_record.read(trained.fn_args.serving_model_dir).servable
    alone = tf.constant([without(example_keys.FMA_FEATURES, transformed.raw[0])])
    for name in ("serving_default", "transform_features"):
        trained.loaded.signatures[name](examples=alone)


def without(feature: str, raw: bytes) -> bytes:
    """Return a raw Example that lacks a feature."""
    example = tf.train.Example.FromString(raw)
    del example.features.feature[feature]
    return example.SerializeToString()


@pytest.mark.e2e
def test_the_same_training_twice_gives_the_same_scores(trained, transformed) -> None:
    again = SimpleNamespace(**vars(trained.fn_args))
    again.serving_model_dir = str(trained.folder / "again")
    run_fn.run_fn(again)
    examples = tf.constant(transformed.raw)
    scores = [
        tf.saved_model.load(path).signatures["serving_default"](examples=examples)["scores"]
        for path in (trained.fn_args.serving_model_dir, again.serving_model_dir)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_they_need_nothing_but_tensorflow(transformed, tmp_path: Path) -> None:
    wav = tmp_path / "clip.wav"
    wav.write_bytes(wav_of(transformed.raw[-1], rate_hz=48_000))
    folders = [
        train_and_export(
            name, transformed, tmp_path / name, TrainConfig(epochs=1), module=module
        ).fn_args.serving_model_dir
        for name, module in (("gaussian_nb", None), (tiny_network.NAME, tiny_network.MODULE))
    ]
    code = textwrap.dedent("""
        import json, sys
        import tensorflow as tf
        wav, *folders = sys.argv[1:]
        for folder in folders:
            model = tf.saved_model.load(folder)
            got = model.signatures["predict_wav"](wav=tf.constant([open(wav, "rb").read()]))
            print(json.dumps([c.decode() for c in got["classes"].numpy()[0]]))
        ours = {"models", "pipeline", "components", "tfx", "tensorflow_transform", "librosa"}
        assert not ours & sys.modules.keys(), ours & sys.modules.keys()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code, str(wav), *folders],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    genres = [sorted(json.loads(line)) for line in done.stdout.splitlines()]
    assert genres == [["high", "low", "noise"]] * 2
