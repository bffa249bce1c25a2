"""Tuner's `tuner_fn`: a search for the hyperparameters of one network."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, cast

import keras_tuner
import tensorflow_transform as tft
from absl import logging
from tfx import v1 as tfx

from common.config import from_json
from common.errors import is_disk_full
from dataset.config import AudioConfig
from features import example_keys
from models.config import TrainConfig
from models.networks.network import Network
from models.spec import TrainingContext, load

OBJECTIVE = "val_loss"
# The score of a trial that failed, above every loss that a trained network has. Where all fail, one
# of them is the best, and its Trainer leaves the reason.
FAILED_LOSS = 1e9


def tuner_fn(fn_args: Any) -> tfx.components.TunerFnResult:
    """Returns the search; its trials are trained on `train` and compared on `eval`.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `model`, a name, `module`, where it is,
            `audio` and `train`, the configurations, and `trials` and `epochs`, of a stage, at most.
    """
    custom = fn_args.custom_config
    network = cast(Network, load(custom["module"]))
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    context = TrainingContext(
        name=custom["model"],
        n_classes=transform_output.vocabulary_size_by_name(example_keys.GENRE_VOCABULARY),
        train_files=fn_args.train_files,
        eval_files=fn_args.eval_files,
        audio=from_json(AudioConfig, custom["audio"]),
        train=from_json(TrainConfig, custom["train"]),
        checkpoint_dir=os.path.join(fn_args.working_dir, "checkpoints"),
        log_dir=os.path.join(fn_args.working_dir, "logs"),
        max_epochs=custom["epochs"],
    )
    tuner = search_for(context, network, trials=custom["trials"], directory=fn_args.working_dir)
    return tfx.components.TunerFnResult(tuner=tuner, fit_kwargs={})


def search_for(
    context: TrainingContext, network: Network, *, trials: int, directory: str
) -> NetworkTuner:
    """Returns a search, not begun, of so many trials; its files go below `directory`."""
    oracle = DefaultsFirstOracle(
        objective=keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=trials,
        seed=context.train.seed + 1,  # KerasTuner takes 0 for none
        hyperparameters=open_space(network, context.train),
        allow_new_entries=False,
        tune_new_entries=False,
    )
    return NetworkTuner(
        context, network, oracle=oracle, directory=directory, project_name=context.name
    )


def open_space(network: Network, train: TrainConfig) -> keras_tuner.HyperParameters:
    """Returns the network's search space without the values that the user has set."""
    space = keras_tuner.HyperParameters()
    for name, values in network.space.items():
        if getattr(train, name) is None:
            space.Choice(name, list(values), default=network.defaults[name], ordered=True)
    return space


class DefaultsFirstOracle(keras_tuner.oracles.RandomSearchOracle):
    """Random search whose first trial is the network's defaults, so that it cannot lose to them."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.start_order:
            return super().populate_space(trial_id)
        defaults = {entry.name: entry.default for entry in self.get_space().space}
        return {"status": "RUNNING", "values": defaults}


class NetworkTuner(keras_tuner.Tuner):
    """Trains the network once a trial; what it trains is thrown away."""

    def __init__(self, context: TrainingContext, network: Network, **settings: Any):
        super().__init__(overwrite=True, **settings)
        self._job = context
        self._network = network

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        context = trial_context(self._job, trial.trial_id, trial.hyperparameters.values)
        try:
            curves = self._network.train(context).curves
        except Exception as error:
            if is_disk_full(error):
                raise keras_tuner.errors.FatalError(str(error)) from error
            logging.exception("trial %s of %s failed", trial.trial_id, context.name)
            return {OBJECTIVE: FAILED_LOSS}
        losses = [epoch[OBJECTIVE] for curve in curves for epoch in curve["epochs"]]
        return {OBJECTIVE: min((x for x in losses if x < FAILED_LOSS), default=FAILED_LOSS)}


def trial_context(
    context: TrainingContext, trial_id: str, values: Mapping[str, Any]
) -> TrainingContext:
    """Returns the context of one trial, in folders of its own."""
    return dataclasses.replace(
        context,
        hyperparameters=dict(values),
        checkpoint_dir=os.path.join(context.checkpoint_dir, trial_id),
        log_dir=os.path.join(context.log_dir, trial_id),
    )
