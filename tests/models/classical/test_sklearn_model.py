"""The classical models: the same in TensorFlow as in scikit-learn, and fitted fairly."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import f1_score

from features import example_keys
from models.classical import knn, sklearn_model
from models.classical.labelled_clips import Clips, artist_folds, read_clips
from models.config import TrainConfig
from models.registry import CLASSICAL
from models.spec import load

TOLERANCE = 1e-4
N_COLUMNS = 60


def kind(name: str) -> sklearn_model.Classical:
    return cast(sklearn_model.Classical, load(CLASSICAL[name]))


def make_clips(n_clips: int, n_genres: int, seed: int, noise: float = 2.0) -> Clips:
    """Return clips of genres that overlap, some columns constant, far off or in huge units."""
    centres = np.random.default_rng(0).normal(size=(n_genres, N_COLUMNS))
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_clips) % n_genres)
    inputs = centres[labels] + rng.normal(scale=noise, size=(n_clips, N_COLUMNS))
    inputs[:, 0] = 7.0
    inputs[:, 1] *= 1e4
    inputs[:, 2] = rng.standard_cauchy(n_clips) * 100
    inputs = inputs.astype(np.float32).astype(np.float64)  # as they come from the Examples
    return clips_of(inputs, labels, rng.integers(0, 1 + n_clips // 4, n_clips))


def clips_of(inputs: Any, labels: Any, artists: Any) -> Clips:
    return Clips(inputs, np.array(labels), np.array(artists), np.arange(len(labels)))


def pack(inputs: NDArray[np.float64]) -> tf.Tensor:
    return tf.constant([row.astype("<f4").tobytes() for row in inputs])


def fit_and_export(
    name: str, clips: Clips, n_classes: int, **settings: Any
) -> tuple[Any, Any, dict[str, Any]]:
    """Return the scikit-learn model, its scorer in TensorFlow, and the hyperparameters."""
    train = TrainConfig(**settings)
    chosen, hyperparameters = sklearn_model.choose(kind(name), clips, train)
    model, calibrated = sklearn_model.fit(kind(name), chosen, clips, train.seed)
    scorer = sklearn_model.export(kind(name), model, clips, n_classes)
    return model, scorer, {**hyperparameters, "calibrated": calibrated}


def only_one_setting(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make a model search no settings but its last one, which takes a tenth of the time."""
    grid = kind(name).grid
    last = dataclasses.replace(kind(name), grid=lambda n_clips: grid(n_clips)[-1:])
    monkeypatch.setattr(f"{CLASSICAL[name]}.MODEL", last)


def reload(scorer: tf.Module, folder: Path) -> Any:
    """Return the scores of a SavedModel of a scorer, a function of packed features."""
    spec = tf.TensorSpec([None], tf.string)
    function = tf.function(scorer.clip_scores, input_signature=[spec])
    tf.saved_model.save(scorer, str(folder), signatures=function)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda packed: next(iter(serve(packed).values())).numpy()


@pytest.mark.parametrize(("n_genres", "pca_components"), [(2, 0), (3, 10), (10, 0), (10, 10)])
@pytest.mark.parametrize("name", CLASSICAL)
def test_a_saved_model_scores_as_scikit_learn_does(
    name: str,
    n_genres: int,
    pca_components: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_one_setting(monkeypatch, name)
    clips, unseen = make_clips(200, n_genres, seed=1), make_clips(200, n_genres, seed=2)
    model, scorer, hyperparameters = fit_and_export(
        name, clips, n_genres, pca_components=pca_components
    )
    assert hyperparameters["pca_components"] == (pca_components or None)
    expected = model.predict_proba(unseen.inputs)
    score = reload(scorer, tmp_path)
    scores = score(pack(unseen.inputs))
    difference = np.abs(scores - expected).max()
    print(f"{name}, {n_genres} genres, {pca_components} components: {difference:.1e} at most")
    assert scores.dtype == np.float32
    assert difference <= TOLERANCE
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-6)
    # Learned, far above chance; else equal scores would say little.
    assert f1_score(unseen.labels, scores.argmax(axis=1), average="macro") > 1.5 / n_genres
    single = score(pack(unseen.inputs[:1]))
    np.testing.assert_allclose(single, scores[:1], atol=1e-6)


@pytest.mark.parametrize("name", CLASSICAL)
def test_far_off_values_do_not_blow_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_setting(monkeypatch, name)
    model, scorer, _ = fit_and_export(name, make_clips(90, 3, seed=1), 3)
    far = np.stack([np.full(N_COLUMNS, value) for value in (1e30, -1e30, 0.0)])
    scores = scorer.clip_scores(pack(far)).numpy()
    assert np.isfinite(scores).all()
    expected = model.predict_proba(far.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(scores, expected, atol=TOLERANCE)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_genre_without_a_clip_scores_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_setting(monkeypatch, name)
    clips = make_clips(90, 3, seed=1)
    clips = dataclasses.replace(clips, labels=np.array([0, 2, 3])[clips.labels])
    model, scorer, _ = fit_and_export(name, clips, 5)
    scores = scorer.clip_scores(pack(clips.inputs)).numpy()
    np.testing.assert_allclose(scores[:, [0, 2, 3]], model.predict_proba(clips.inputs), atol=1e-6)
    assert (scores[:, [1, 4]] == 0).all()


@pytest.mark.parametrize("name", CLASSICAL)
def test_columns_of_another_number_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_setting(monkeypatch, name)
    _, scorer, _ = fit_and_export(name, make_clips(40, 2, seed=1), 2)
    for inputs in (np.zeros((2, N_COLUMNS + 1)), np.zeros((2, 0))):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            scorer.clip_scores(pack(inputs))


@pytest.mark.parametrize("name", CLASSICAL)
def test_two_fits_are_the_same(name: str) -> None:
    clips, packed = make_clips(120, 3, seed=1), pack(make_clips(50, 3, seed=2).inputs)
    scores, found = [], []
    for _ in range(2):
        _, scorer, hyperparameters = fit_and_export(name, clips, 3)
        scores.append(scorer.clip_scores(packed).numpy())
        found.append(json.dumps(hyperparameters))
    np.testing.assert_array_equal(scores[0], scores[1])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("labels", "artists"),
    [
        ([0, 0, 0, 1, 1, 1], [1, 1, 1, 1, 1, 1]),  # a single artist
        ([0, 0, 0, 1, 1, 1], [1, 1, 1, 2, 2, 2]),  # one of each genre
        ([0, 0, 0, 0, 0, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),  # a genre of one clip
        ([0, 0, 1, 1, 2, 2], [-1] * 6),
        ([0, 1], [1, 2]),  # nothing can be held out
    ],
)
@pytest.mark.parametrize("name", CLASSICAL)
def test_few_artists_and_few_clips(name: str, labels: list[int], artists: list[int]) -> None:
    made = make_clips(len(labels), 2, seed=1)
    clips = clips_of(made.inputs, labels, artists)
    results = []
    for _ in range(2):
        model, scorer, hyperparameters = fit_and_export(name, clips, max(labels) + 1)
        scores = scorer.clip_scores(pack(clips.inputs)).numpy()
        np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-6)
        if hasattr(model, "predict_proba"):
            np.testing.assert_allclose(scores, model.predict_proba(clips.inputs), atol=TOLERANCE)
        results.append((scores.tolist(), hyperparameters))
    assert results[0] == results[1]


def test_clips_are_read_by_track_and_those_without_a_genre_are_left_out(tmp_path: Path) -> None:
    rows = [(5, 1, 50), (3, -1, 30), (9, 0, -1), (4, 2, 40)]  # track, label, artist
    for name, part in (("a", rows[:2]), ("b", rows[2:])):
        with tf.io.TFRecordWriter(str(tmp_path / name), "GZIP") as writer:
            for track, label, artist in part:
                example = tf.train.Example()
                feature = example.features.feature
                packed = np.array([track, 0.5], "<f4").tobytes()
                feature[example_keys.STATISTICS].bytes_list.value.append(packed)
                feature[example_keys.TRACK_ID].int64_list.value.append(track)
                feature[example_keys.LABEL].int64_list.value.append(label)
                feature[example_keys.ARTIST_ID].int64_list.value.append(artist)
                writer.write(example.SerializeToString())
    clips = read_clips([f"{tmp_path}/*"], example_keys.STATISTICS)
    np.testing.assert_array_equal(clips.inputs, [[4, 0.5], [5, 0.5], [9, 0.5]])
    assert clips.inputs.dtype == np.float32  # all clips, of which a sample is converted
    assert clips.in_float64().inputs.dtype == np.float64
    assert (clips.labels.tolist(), clips.artists.tolist()) == ([2, 1, 0], [40, 50, -1])


def test_folds_keep_artists_apart() -> None:
    clips = make_clips(200, 3, seed=1)
    clips.artists[:20] = -1
    folds = artist_folds(clips, seed=0)
    assert len(folds) == 5
    for fitted, scored in folds:
        assert not set(clips.artists[fitted]) & set(clips.artists[scored]) - {-1}
        assert set(clips.labels[scored]) == {0, 1, 2}
    scored_once = np.sort(np.concatenate([scored for _, scored in folds]))
    np.testing.assert_array_equal(scored_once, np.arange(200))
    # Unknown artists are not one artist.
    assert sum(bool((clips.artists[scored] == -1).any()) for _, scored in folds) > 1
    again, others = (artist_folds(clips, seed) for seed in (0, 1))
    assert [part.tolist() for _, part in again] == [part.tolist() for _, part in folds]
    assert [part.tolist() for _, part in others] != [part.tolist() for _, part in folds]


def test_settings_are_chosen_by_folds_that_keep_artists_apart() -> None:
    # The columns tell the artist, who has a random genre: nothing of it holds for others.
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(40), 5)
    labels = rng.integers(0, 2, 40)[artists]
    inputs = rng.normal(size=(40, N_COLUMNS))[artists]
    inputs += rng.normal(scale=0.1, size=inputs.shape)
    _, _, hyperparameters = fit_and_export("svm", clips_of(inputs, labels, artists), 2)
    assert hyperparameters["cv_macro_f1"] < 0.65
    unknown = clips_of(inputs, labels, np.full(200, -1))
    assert fit_and_export("svm", unknown, 2)[2]["cv_macro_f1"] > 0.95


def test_of_equally_good_settings_the_simplest_is_taken() -> None:
    # So far apart that every setting is right about every clip.
    clips = make_clips(60, 3, seed=1, noise=0.1)
    for name in CLASSICAL:
        _, _, hyperparameters = fit_and_export(name, clips, 3)
        assert hyperparameters["cv_macro_f1"] == 1.0, name
        assert hyperparameters.items() >= kind(name).grid(48)[0].items(), name


@pytest.mark.parametrize(
    ("n_clips", "classifier"), [(150, "LogisticRegression"), (1_100, "MLPClassifier")]
)
def test_musicnn_gets_an_mlp_where_clips_are_many_and_a_line_does_not_part_the_genres(
    n_clips: int, classifier: str
) -> None:
    # A genre where two columns have the same sign, another where they have not.
    inputs = np.random.default_rng(0).normal(size=(n_clips, 4))
    labels = (inputs[:, 0] * inputs[:, 1] > 0).astype(int)
    inputs = inputs.astype(np.float32).astype(np.float64)
    clips = clips_of(inputs, labels, np.arange(n_clips))
    model, scorer, found = fit_and_export("musicnn", clips, 2)
    assert found["classifier"] == classifier
    assert (found["cv_macro_f1"] > 0.8) == (classifier == "MLPClassifier")
    scores = scorer.clip_scores(pack(inputs)).numpy()
    np.testing.assert_allclose(scores, model.predict_proba(inputs), atol=TOLERANCE)


def test_musicnn_keeps_its_linear_head_where_an_mlp_is_no_better() -> None:
    _, _, found = fit_and_export("musicnn", make_clips(1_100, 3, seed=1, noise=0.1), 3)
    assert found["classifier"] == "LogisticRegression"


def test_a_sample_keeps_the_shares_of_genres_and_loses_none() -> None:
    labels = np.array([0] * 600 + [1] * 300 + [2] * 99 + [3])
    clips = clips_of(np.arange(1_000.0)[:, np.newaxis], labels, np.arange(1_000))
    sample = clips.sample(100, seed=0)
    np.testing.assert_allclose(np.bincount(sample.labels), [60, 30, 9, 1], atol=1)
    np.testing.assert_array_equal(sample.inputs[:, 0], sample.artists)  # rows stay rows
    np.testing.assert_array_equal(sample.inputs, clips.sample(100, seed=0).inputs)
    assert (sample.inputs != clips.sample(100, seed=1).inputs).any()
    assert clips.sample(1_000, seed=0) is clips


def test_support_vectors_without_calibration_are_weighed_by_softmax() -> None:
    clips = make_clips(61, 3, seed=1)
    lone = np.where(np.arange(61) == 60, 3, clips.labels)  # a fourth genre, of one clip
    model, scorer, found = fit_and_export("svm", dataclasses.replace(clips, labels=lone), 4)
    assert not isinstance(model, CalibratedClassifierCV)
    assert found["calibrated"] == "no"
    expected = tf.nn.softmax(model.decision_function(clips.inputs))
    np.testing.assert_allclose(scorer.clip_scores(pack(clips.inputs)), expected, atol=1e-6)
    calibrated, _, found = fit_and_export("svm", clips, 3)
    assert isinstance(calibrated, CalibratedClassifierCV)
    assert found["calibrated"] == "by artist folds"


def test_a_genre_of_a_single_artist_does_not_cost_all_others_their_calibration() -> None:
    clips = make_clips(60, 3, seed=1)
    artists = np.where(clips.labels == 2, 99, clips.artists)
    clips = dataclasses.replace(clips, artists=artists)
    model, _, found = fit_and_export("svm", clips, 3)
    assert isinstance(model, CalibratedClassifierCV)
    assert found["calibrated"] == "by clip folds"


def test_neighbours_that_are_the_same_clip_share_their_vote() -> None:
    clips = make_clips(60, 3, seed=1)
    # The first clip once more, three times as it is and once with another genre.
    twins = np.array([0, 0, 0, 0])
    labels = np.concatenate([clips.labels, clips.labels[twins]])
    labels[-1] = (labels[0] + 1) % 3
    doubled = clips_of(
        np.concatenate([clips.inputs, clips.inputs[twins]]), labels, np.arange(len(labels))
    )
    model, scorer, _ = fit_and_export("knn", doubled, 3)
    scores = scorer.clip_scores(pack(doubled.inputs)).numpy()
    np.testing.assert_allclose(scores, model.predict_proba(doubled.inputs), atol=TOLERANCE)
    assert scores[0, labels[0]] == pytest.approx(0.8, abs=1e-3)
    assert scores[0, labels[-1]] == pytest.approx(0.2, abs=1e-3)


def test_closeness_is_bounded() -> None:
    weights = knn.closeness(np.array([0.0, -1e-16, 1e-9, 0.5, 2.0]))
    np.testing.assert_allclose(weights, [1e6, 1e6, 1e6, 2.0, 0.5])
