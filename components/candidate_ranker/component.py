"""CandidateRanker: all candidates and the eval split to a leaderboard and the best model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import system
from components.candidate_ranker import executor
from models.registry import MODEL_NAMES


class Leaderboard(system.Artifact):
    """`leaderboard.json`: the candidates' figures on the eval split, best first; `fits.json`."""


class CandidateRankerSpec(component_spec.ComponentSpec):
    """One optional input per registered model: a union of channels does not compile for Vertex."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.PUSH_UNSERVABLE: component_spec.ExecutionParameter(type=int),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        **{
            executor.candidate_key(name): component_spec.ChannelParameter(
                type=standard_artifacts.Model, optional=True
            )
            for name in MODEL_NAMES
        },
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.BEST_MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.EVALUATION: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation
        ),
        executor.LEADERBOARD: component_spec.ChannelParameter(type=Leaderboard),
    }


class CandidateRanker(base_beam_component.BaseBeamComponent):
    """Measures every candidate on `eval` in one TFMA pass and ranks them, see `ranking`."""

    SPEC_CLASS = CandidateRankerSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        candidates: Mapping[str, types.BaseChannel],
        *,
        push_unservable: bool,
    ):
        """Builds the component.

        Args:
            examples: raw Examples.
            candidates: Model channels by model name.
            push_unservable: whether a model that needs more than audio may be the best.
        """
        models = {executor.candidate_key(name): channel for name, channel in candidates.items()}
        super().__init__(
            CandidateRankerSpec(
                **{
                    executor.EXAMPLES: examples,
                    executor.PUSH_UNSERVABLE: int(push_unservable),
                    executor.BEST_MODEL: types.Channel(type=standard_artifacts.Model),
                    executor.EVALUATION: types.Channel(type=standard_artifacts.ModelEvaluation),
                    executor.LEADERBOARD: types.Channel(type=Leaderboard),
                },
                **models,
            )
        )
