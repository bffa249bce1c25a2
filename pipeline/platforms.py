"""What of the DAG depends on where it runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode

from components.baseline import CANDIDATE, BlessedBeforeCandidateStrategy
from components.refit import Refit


class Platform(Protocol):
    """How a platform trains, what it compares with, and what it does with a pushed model."""

    def trainer(self, model: str, **arguments: Any) -> tfx.components.Trainer:
        """Returns the Trainer of a model, by the arguments of TFX's."""

    def refit(self, models: Collection[str], **arguments: Any) -> tfx.components.Trainer:
        """Returns the Trainer that fits the best of some models again, likewise."""

    def tuner(self, model: str, **arguments: Any) -> tfx.components.Tuner:
        """Returns the Tuner of a model, by the arguments of TFX's."""

    def baseline(self, candidate: types.BaseChannel) -> BaseNode:
        """Returns the node whose output `model` a candidate is compared with."""

    def deployers(self, pushed_model: types.BaseChannel) -> list[BaseNode]:
        """Returns what comes after the Pusher."""


class ThisMachine:
    """Everything in the process of the runner, with a metadata store of the output folder."""

    def trainer(self, model: str, **arguments: Any) -> tfx.components.Trainer:
        return tfx.components.Trainer(**arguments).with_id(f"Trainer.{model}")

    def refit(self, models: Collection[str], **arguments: Any) -> tfx.components.Trainer:
        return Refit(**arguments).with_id("Refit")

    def tuner(self, model: str, **arguments: Any) -> tfx.components.Tuner:
        return tfx.components.Tuner(**arguments).with_id(f"Tuner.{model}")

    def baseline(self, candidate: types.BaseChannel) -> BaseNode:
        return tfx.dsl.Resolver(
            strategy_class=BlessedBeforeCandidateStrategy,
            model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
            model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
            **{CANDIDATE: candidate},
        )

    def deployers(self, pushed_model: types.BaseChannel) -> list[BaseNode]:
        return []
