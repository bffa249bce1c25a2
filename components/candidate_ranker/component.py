"""CandidateRanker: all candidates and the eval split to a leaderboard and the best model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import system
from common.config import to_json
from components.candidate_ranker import executor
from dataset.config import AudioConfig
from evaluation.config import ContestConfig
from models.registry import MODEL_NAMES


class Leaderboard(system.Artifact):
    """`leaderboard.json`: the candidates' figures on the eval split, best first; `fits.json`."""


class CandidateRankerSpec(component_spec.ComponentSpec):
    """One optional input per registered model: a union of channels does not compile for Vertex."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.CONTEST: component_spec.ExecutionParameter(type=str),
        executor.AUDIO: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.TRANSFORM_GRAPH: component_spec.ChannelParameter(
            type=standard_artifacts.TransformGraph
        ),
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
        transform_graph: types.BaseChannel,
        candidates: Mapping[str, types.BaseChannel],
        *,
        contest: ContestConfig,
        audio: AudioConfig,
    ):
        """Builds the component.

        Args:
            examples: raw Examples.
            transform_graph: Transform's, on which the candidates were trained; an ensemble has it.
            candidates: Model channels by model name.
            contest: how the best one is chosen.
            audio: how a clip is cut.
        """
        # An alarm of the report, which chooses nothing.
        contest = dataclasses.replace(contest, max_credible_accuracy=1.0)
        models = {executor.candidate_key(name): channel for name, channel in candidates.items()}
        super().__init__(
            CandidateRankerSpec(
                **{
                    executor.EXAMPLES: examples,
                    executor.TRANSFORM_GRAPH: transform_graph,
                    executor.CONTEST: to_json(contest),
                    executor.AUDIO: to_json(audio),
                    executor.BEST_MODEL: types.Channel(type=standard_artifacts.Model),
                    executor.EVALUATION: types.Channel(type=standard_artifacts.ModelEvaluation),
                    executor.LEADERBOARD: types.Channel(type=Leaderboard),
                },
                **models,
            )
        )
