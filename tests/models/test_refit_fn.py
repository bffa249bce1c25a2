"""The best model of a contest, fitted on both splits by the real run_fn."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models import ensemble, failure_notes, refit_fn
from models.config import TrainConfig
from models.networks.network import Network, up_to_best_epoch
from models.registry import MODELS
from models.training import fit_record
from models.training.fit_record import FitRecord
from models.training.loop import Stage
from tests.models import tiny_network
from tests.models.trainer import train_and_export

MODULES = {**MODELS, tiny_network.NAME: tiny_network.MODULE}
TRAIN = TrainConfig(epochs=4, batch_size=4, learning_rate=3e-3, pca_components=3)
NB, NET = "gaussian_nb", tiny_network.NAME


@pytest.fixture(scope="module")
def splits(transformed: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the archive cut into train and eval; `both` has all clips."""
    folder = tmp_path_factory.mktemp("splits")
    (whole,) = tf.io.gfile.glob(transformed.pattern)
    records = list(tf.data.TFRecordDataset(whole, "GZIP").as_numpy_iterator())
    for name, part in (("train", records[:15]), ("eval", records[15:])):
        with tf.io.TFRecordWriter(str(folder / f"{name}.gz"), "GZIP") as writer:
            for record in part:
                writer.write(record)
    of = {name: dataclasses.replace(transformed, pattern=f"{folder}/{name}.gz")
          for name in ("train", "eval")}  # fmt: skip
    return {**of, "both": transformed}


@pytest.fixture(scope="module")
def chosen(splits: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return models that were trained on `train`, by name."""
    folder = tmp_path_factory.mktemp("chosen")
    return {
        name: train_and_export(name, splits["train"], folder / name, TRAIN, module=MODULES[name])
        for name in (NB, NET)
    }


def refit(best: str, splits: dict[str, Any], folder: Path) -> tuple[str, FitRecord]:
    """Fit the model in a folder again; return where it is then, and its record."""
    train = splits["train"]
    fn_args = SimpleNamespace(
        base_model=best,
        custom_config={
            "modules": MODULES,
            "audio": vars(train.config),
            "train": vars(TRAIN),
            "checkpoint_dir": str(folder / "checkpoints"),
        },
        transform_output=train.output.transform_savedmodel_dir.rsplit("/", 1)[0],
        train_files=[train.pattern],
        eval_files=[splits["eval"].pattern],
        model_run_dir=str(folder / "run"),
        serving_model_dir=str(folder / "model"),
    )
    refit_fn.run_fn(fn_args)
    assert list((folder / "checkpoints").glob("refit-*")) == []
    return fn_args.serving_model_dir, fit_record.read(fn_args.serving_model_dir)


def scores(path: str, transformed: Any) -> Any:
    """Return the scores that a SavedModel gives all clips."""
    served = tf.saved_model.load(path).signatures["serving_default"]
    return served(examples=tf.constant(transformed.raw))["scores"].numpy()


def uncalibrated(path: str, transformed: Any) -> Any:
    """Return the scores before the temperature, but for a factor a clip."""
    temperature = fit_record.read(path).hyperparameters["temperature"]
    logits = np.log(scores(path, transformed)) * temperature
    return logits - logits.max(axis=1, keepdims=True)


@pytest.mark.parametrize("name", [NB, NET])
def test_a_model_is_that_of_a_training_on_both_splits(
    name: str, chosen: dict[str, Any], splits: dict[str, Any], tmp_path: Path
) -> None:
    path, record = refit(chosen[name].fn_args.serving_model_dir, splits, tmp_path)
    assert record.hyperparameters["refitted"] == [name]
    done = train_and_export(name, splits["both"], tmp_path / "both", TRAIN, module=MODULES[name])
    of_both = fit_record.read(done.fn_args.serving_model_dir)
    # The same was found with fewer clips: settings, and to train for all epochs.
    for setting in ("var_smoothing", "pca_components", "epochs"):
        found = record.hyperparameters.get(setting)
        assert found == of_both.hyperparameters.get(setting)
    for fit in (record, of_both):
        for curve in fit.curves:
            losses = [epoch["val_loss"] for epoch in curve["epochs"]]
            assert losses[-1] == min(losses)
    assert record.parameters == of_both.parameters
    expected = uncalibrated(done.fn_args.serving_model_dir, splits["both"])
    np.testing.assert_allclose(uncalibrated(path, splits["both"]), expected, atol=0.01)
    before = scores(chosen[name].fn_args.serving_model_dir, splits["both"])
    assert np.abs(scores(path, splits["both"]) - before).max() > 1e-3


def test_every_member_of_an_ensemble_is_fitted_again(
    chosen: dict[str, Any], splits: dict[str, Any], tmp_path: Path
) -> None:
    best = _ensemble(chosen, splits, tmp_path / "best" / "model")
    path, record = refit(best, splits, tmp_path)
    assert record.name == ensemble.NAME
    assert record.hyperparameters["refitted"] == [NB, NET]
    alone = []
    for name, done in chosen.items():
        again, _ = refit(done.fn_args.serving_model_dir, splits, tmp_path / name)
        alone.append(scores(again, splits["both"]))
        before = scores(done.fn_args.serving_model_dir, splits["both"])
        assert np.abs(alone[-1] - before).max() > 1e-3
    mean = np.mean(alone, axis=0)
    np.testing.assert_allclose(scores(path, splits["both"]), mean, atol=1e-5)


def test_a_member_that_fails_stays_as_it_was(
    chosen: dict[str, Any],
    splits: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def diverged(*_: Any) -> None:
        raise FloatingPointError("the loss of train is not a number")

    monkeypatch.setattr(Network, "refit", diverged)
    path, record = refit(_ensemble(chosen, splits, tmp_path / "best" / "model"), splits, tmp_path)
    assert record.hyperparameters["refitted"] == [NB]
    # So that the next run tries again.
    ((_, note),) = failure_notes.fingerprints(str(tmp_path / "checkpoints"), [failure_notes.REFIT])
    assert note and list(record.hyperparameters["refit_failed"]) == [NET]
    again, _ = refit(chosen[NB].fn_args.serving_model_dir, splits, tmp_path / NB)
    kept = chosen[NET].fn_args.serving_model_dir
    mean = np.mean([scores(at, splits["both"]) for at in (again, kept)], axis=0)
    np.testing.assert_allclose(scores(path, splits["both"]), mean, atol=1e-5)


def test_stages_end_with_their_best_epoch_and_after_the_best_stage_there_is_none() -> None:
    stages = [Stage("head", 9, 0.1), Stage("fine_tune", 9, 0.1), Stage("more", 9, 0.1)]
    losses = ([None, 0.9, 0.7, 0.8], [0.8, 0.6, None], [0.7, 0.65])
    curves = [{"epochs": [{"val_loss": loss} for loss in of]} for of in losses]
    found = up_to_best_epoch(stages, curves)
    assert [(stage.name, stage.epochs, stage.stop_after) for stage in found] == [
        ("head", 9, 3),
        ("fine_tune", 9, 2),
    ]


def _ensemble(chosen: dict[str, Any], splits: dict[str, Any], directory: Path) -> str:
    """Return the ensemble of all models as the ranker hands it on."""
    fits = {name: fit_record.read(done.fn_args.serving_model_dir) for name, done in chosen.items()}
    paths = {name: done.fn_args.serving_model_dir for name, done in chosen.items()}
    record = FitRecord(ensemble.NAME, hyperparameters={"members": list(chosen), "temperature": 1.0})
    ensemble.export(
        str(directory),
        [(paths[name], str(fit.feature)) for name, fit in fits.items()],
        1.0,
        splits["train"].output,
        splits["train"].config,
    )
    fit_record.write(str(directory), record)
    for name, place in ensemble.member_dirs(str(directory), record).items():
        shutil.copytree(paths[name], place)
    return str(directory)
