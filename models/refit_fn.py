"""Trainer's `run_fn` after the contest: fits the best model once more, on `train` and `eval`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import tensorflow_transform as tft
from absl import logging
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from common.config import from_json
from common.errors import in_a_line, is_disk_full
from dataset.config import AudioConfig
from features import example_keys
from models import ensemble, failure_notes
from models.config import TrainConfig
from models.run_fn import checkpoint_dir, export_calibrated
from models.spec import TrainingContext, load
from models.training import fit_record
from models.training.fit_record import FitRecord


def run_fn(fn_args: Any) -> None:
    """Exports the best model, fitted on both splits; of an ensemble every member is.

    A model that cannot be fitted again stays as it was chosen. So does one that fails to, and
    leaves a note, with which the next run tries again. Which ones were fitted again is among the
    hyperparameters of the record, under `refitted`, and what failed under `refit_failed`.

    Args:
        fn_args: TFX's `FnArgs`. `base_model` is the SavedModel that CandidateRanker chose.
            `custom_config` holds `modules`, where each model is, `audio` and `train`, the
            configurations, and `checkpoint_dir`, see `models.run_fn`.
    """
    custom = fn_args.custom_config
    best = fit_record.read(fn_args.base_model)
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    audio = from_json(AudioConfig, custom["audio"])
    paths = ensemble.member_dirs(fn_args.base_model, best)
    fits = {name: fit_record.read(path) for name, path in paths.items()}
    contexts = {name: _context(fit, fn_args, transform_output) for name, fit in fits.items()}
    aside = os.path.join(fn_args.model_run_dir, "refitted")
    parameters: dict[str, int] = {}  # of what was fitted again
    failed: dict[str, str] = {}
    for name, fit in fits.items():
        try:
            spec = load(custom["modules"][name])
            model = spec.refit(contexts[name], fit.hyperparameters, fit.curves)
        except Exception as error:
            if is_disk_full(error):
                raise
            logging.exception("%s failed to be fitted again and stays as it was chosen", name)
            failed[name] = in_a_line(error)
            continue
        if model:
            parameters[name] = model.n_parameters
            paths[name] = os.path.join(aside, name)
            temperature = fit.hyperparameters["temperature"]
            export_calibrated(paths[name], model, temperature, transform_output, audio)
    if best.name == ensemble.NAME:
        members = [(path, str(fits[name].feature)) for name, path in paths.items()]
        temperature = best.hyperparameters["temperature"]
        ensemble.export(fn_args.serving_model_dir, members, temperature, transform_output, audio)
    else:
        io_utils.copy_dir(paths[best.name], fn_args.serving_model_dir)
    if failed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        failure_notes.write(custom["checkpoint_dir"], failure_notes.REFIT, reasons)
    fit_record.write(fn_args.serving_model_dir, _record(best, fits, parameters, failed))
    for folder in (aside, *(context.checkpoint_dir for context in contexts.values())):
        if fileio.exists(folder):
            fileio.rmtree(folder)


def _record(
    best: FitRecord,
    fits: Mapping[str, FitRecord],
    parameters: Mapping[str, int],
    failed: Mapping[str, str],
) -> FitRecord:
    told: dict[str, Any] = {"refitted": list(parameters)}
    if failed:
        told["refit_failed"] = dict(failed)
    return dataclasses.replace(
        best,
        parameters=sum(parameters.get(name, fit.parameters or 0) for name, fit in fits.items()),
        hyperparameters={**best.hyperparameters, **told},
    )


def _context(
    fit: FitRecord, fn_args: Any, transform_output: tft.TFTransformOutput
) -> TrainingContext:
    """Returns what a model is fitted on again: all as before, but for the folders."""
    custom = fn_args.custom_config
    settings = load(custom["modules"][fit.name]).settings
    inputs = (fn_args.transform_output, fn_args.train_files, dataclasses.asdict(fit))
    return TrainingContext(
        name=fit.name,
        n_classes=transform_output.vocabulary_size_by_name(example_keys.GENRE_VOCABULARY),
        train_files=fn_args.train_files,
        eval_files=fn_args.eval_files,
        audio=from_json(AudioConfig, custom["audio"]),
        train=from_json(TrainConfig, custom["train"]).only(settings),
        checkpoint_dir=checkpoint_dir(custom, f"refit-{fit.name}", *inputs),
        log_dir=os.path.join(fn_args.model_run_dir, "logs", fit.name),
        hyperparameters={name: fit.hyperparameters[name] for name in fit.tuned},
    )
