"""Held-out scores, calibration by them, and the mean of several models as one SavedModel."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from sklearn.metrics import log_loss as sklearn_log_loss

from components.candidate_ranker.contender import Contender
from components.candidate_ranker.ensembles import best_mean
from features import example_keys
from models import calibration, ensemble, held_out
from models.config import TrainConfig
from models.held_out import HeldOut
from models.training import fit_record
from tests.models import tiny_network
from tests.models.trainer import train_and_export

TRACKS = np.arange(200)
LABELS = np.random.default_rng(0).integers(0, 4, 200)


def scores_of(skill: float, seed: int, tracks: np.ndarray[Any, Any] = TRACKS) -> HeldOut:
    """Return a model's scores: logits of which the right one is higher by `skill`."""
    logits = np.random.default_rng(seed).normal(size=(200, 4))
    logits[TRACKS, LABELS] += skill
    place = np.isin(TRACKS, tracks)
    return HeldOut(TRACKS[place], LABELS[place], softmax(logits, axis=1)[place].astype(np.float32))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_a_model_too_sure(temperature: float) -> None:
    # Labels drawn from the scores: these are calibrated, by construction.
    rng = np.random.default_rng(0)
    scores = softmax(2 * rng.normal(size=(20_000, 4)), axis=1)
    labels = (scores.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    distorted = softmax(np.log(scores) / temperature, axis=1).astype(np.float32)
    found = calibration.fit_temperature(labels, distorted)
    assert found == pytest.approx(1 / temperature, rel=0.05)
    np.testing.assert_allclose(calibration.scaled(distorted, found), scores, atol=0.02)


def test_a_few_clips_that_all_are_right_do_not_make_a_model_all_sure() -> None:
    scores = np.full([8, 4], 0.1, np.float32) + 0.6 * np.eye(4, dtype=np.float32)[LABELS[:8]]
    temperatures = [
        calibration.fit_temperature(np.tile(LABELS[:8], n), np.tile(scores, (n, 1)))
        for n in (1, 10, 10_000)
    ]
    assert 1 > temperatures[0] > 0.7 > temperatures[1] > temperatures[2]


def test_scores_of_zero_and_one_leave_every_genre_possible() -> None:
    certain = np.eye(4, dtype=np.float32)
    assert np.all(calibration.scaled(certain, 1.0) > 0)
    # However wrong a model is, it keeps a preference.
    wrong = np.tile([1, 2, 3, 0], 10_000)
    found = calibration.fit_temperature(wrong, np.tile(certain, (10_000, 1)))
    assert found == pytest.approx(10, rel=0.01)


def test_without_clips_nothing_is_scaled() -> None:
    assert calibration.fit_temperature(np.zeros(0, int), np.zeros([0, 4], np.float32)) == 1.0


def test_models_that_err_on_other_clips_are_better_together() -> None:
    scores = {"a": scores_of(2.0, 1), "b": scores_of(1.9, 2), "chance": scores_of(0.0, 3)}
    found = ensemble.choose(scores)
    assert found is not None
    assert found.members == ["a", "b"]
    again = ensemble.choose(dict(reversed(scores.items())))
    assert again is not None
    assert (again.members, again.temperature) == (found.members, found.temperature)
    mean = np.mean([scores[name].scores for name in found.members], axis=0)
    # A mean is less sure than its members.
    assert found.temperature < 1
    losses = [
        sklearn_log_loss(LABELS, s) for s in (found.held_out.scores, mean, scores["a"].scores)
    ]
    assert losses == sorted(losses)
    assert found.log_loss == round(losses[0], 3)


def test_an_ensemble_is_of_three_models_at_most() -> None:
    found = ensemble.choose({f"model {seed}": scores_of(2.0, seed) for seed in range(1, 6)})
    assert found is not None
    assert len(found.members) == 3


def test_an_ensemble_is_measured_on_all_clips_that_its_members_share() -> None:
    scores = {
        "a": scores_of(2.0, 1),
        "b": scores_of(1.9, 2),
        "chance": scores_of(0.0, 3, TRACKS[:90]),
    }
    found = ensemble.choose(scores)
    assert found is not None
    assert found.members == ["a", "b"]
    np.testing.assert_array_equal(found.held_out.tracks, TRACKS)


def test_one_model_is_no_ensemble() -> None:
    assert ensemble.choose({}) is None
    assert ensemble.choose({"a": scores_of(2.0, 1)}) is None
    apart = {"a": scores_of(2.0, 1, TRACKS[:9]), "b": scores_of(2.0, 2, TRACKS[9:])}
    assert ensemble.choose(apart) is None
    # The same model twice: its mean is no better.
    assert ensemble.choose({"a": scores_of(2.0, 1), "b": scores_of(2.0, 1)}) is None


def test_models_are_compared_on_the_clips_that_all_have_scores_of() -> None:
    whole, part = scores_of(1.0, 1), scores_of(1.0, 2, TRACKS[50:90])
    np.testing.assert_array_equal(ensemble.common_tracks({"a": whole, "b": part}), TRACKS[50:90])
    shuffled = whole.of(np.random.default_rng(0).permutation(TRACKS))
    np.testing.assert_array_equal(shuffled.of(TRACKS[50:90]).scores, whole.scores[50:90])


@pytest.fixture(scope="module")
def members(transformed: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return a classical model, one of two features and a network, trained and exported."""
    folder = tmp_path_factory.mktemp("members")
    train = TrainConfig(epochs=2, batch_size=4)
    return [
        train_and_export("gaussian_nb", transformed, folder / "nb", train),
        train_and_export("musicnn_statistics", transformed, folder / "both", train),
        train_and_export(
            tiny_network.NAME, transformed, folder / "net", train, module=tiny_network.MODULE
        ),
    ]


def test_an_ensemble_gives_the_mean_of_its_members(
    members: list[Any], transformed: Any, tmp_path: Path
) -> None:
    paths = [done.fn_args.serving_model_dir for done in members]
    features = [fit_record.read(path).feature for path in paths]
    ensemble.export(
        str(tmp_path / "model"),
        list(zip(paths, map(str, features), strict=True)),
        0.5,
        transformed.output,
        transformed.config,
    )
    examples = tf.constant(transformed.raw[:5])
    scores = [
        tf.saved_model.load(path).signatures["serving_default"](examples=examples)["scores"]
        for path in (*paths, str(tmp_path / "model"))
    ]
    mean = np.mean(scores[:-1], axis=0) ** 2
    np.testing.assert_allclose(scores[-1], mean / mean.sum(axis=1, keepdims=True), atol=1e-6)


def test_held_out_scores_are_those_of_the_saved_model_and_of_every_clip(
    members: list[Any], transformed: Any
) -> None:
    for done in members:
        path = done.fn_args.serving_model_dir
        known = held_out.read(path)
        assert known is not None
        served = tf.saved_model.load(path).signatures["serving_default"]
        scores = served(examples=tf.constant(transformed.raw))["scores"].numpy()
        # `eval` comes first; the clips of this fixture are those of both splits.
        np.testing.assert_allclose(known.scores[:24], scores, atol=1e-5)
        is_network = done.name == tiny_network.NAME
        assert len(known.tracks) == (24 if is_network else 48)


def test_of_a_contest_the_best_mean_is_exported(
    members: list[Any], transformed: Any, tmp_path: Path
) -> None:
    paths = {done.name: done.fn_args.serving_model_dir for done in members}
    known = zip(paths, (scores_of(2.0, 1), scores_of(1.9, 2), scores_of(0.0, 3)), strict=True)
    contenders = {
        name: Contender(fit_record.read(paths[name]), paths[name], 1.0, None, scores)
        for name, scores in known
    }
    transform_graph = members[0].fn_args.transform_output
    mean = best_mean(contenders, transform_graph, transformed.config)
    assert mean is not None
    chosen = ["gaussian_nb", "musicnn_statistics"]
    fit = mean.fit()
    assert fit.hyperparameters["members"] == chosen
    assert set(str(fit.feature).split("+")) == {example_keys.MUSICNN, example_keys.STATISTICS}
    assert fit.parameters == sum(contenders[name].fit.parameters or 0 for name in chosen)
    exported = str(tmp_path / "model")
    mean.export(exported)
    examples = tf.constant(transformed.raw[:5])

    def scores(path: str) -> Any:
        return tf.saved_model.load(path).signatures["serving_default"](examples=examples)["scores"]

    alone = np.mean([scores(paths[name]) for name in chosen], axis=0)
    expected = calibration.scaled(alone, mean.choice.temperature)
    np.testing.assert_allclose(scores(exported), expected, atol=1e-6)
    assert dataclasses.replace(fit_record.read(exported), curves=()) == fit
    # The ranker reads there what decides between the ensemble and those tied with it.
    held = held_out.read(exported)
    assert held is not None
    np.testing.assert_array_equal(held.scores, mean.choice.held_out.scores)

    barred = dataclasses.replace(contenders["gaussian_nb"], barred="is too slow")
    rest = {**contenders, "gaussian_nb": barred}
    assert best_mean(rest, transform_graph, transformed.config) is None
