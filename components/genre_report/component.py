"""GenreReport: figures, verdict and clips to a page."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import system
from components.candidate_ranker.component import Leaderboard
from components.genre_report import executor


class GenreReportSpec(component_spec.ComponentSpec):
    """One channel an input; the page twice: in the report's folder, and alone for Vertex."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.CONFIGURATION: component_spec.ExecutionParameter(type=str),
        executor.PIPELINE_NAME: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.TRANSFORMED: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.LEADERBOARD: component_spec.ChannelParameter(type=Leaderboard),
        executor.RANKING: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        executor.EVALUATION: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation
        ),
        executor.BLESSING: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        executor.MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.REPORT: component_spec.ChannelParameter(type=system.Artifact),
        executor.PAGE: component_spec.ChannelParameter(type=system.HTML),
    }


class GenreReport(base_component.BaseComponent):
    """Writes `index.html` and `report.json`, whatever the verdict."""

    SPEC_CLASS = GenreReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        transformed_examples: types.BaseChannel,
        leaderboard: types.BaseChannel,
        ranking: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        model: types.BaseChannel,
        configuration: str,
        pipeline_name: str,
    ):
        """Builds the component.

        Args:
            examples: raw Examples.
            transformed_examples: Transform's, which the models were trained on.
            leaderboard: the ranker's Leaderboard.
            ranking: the ranker's ModelEvaluation, of all candidates on eval.
            evaluation: the Evaluator's, of the best one on test.
            blessing: the Evaluator's ModelBlessing.
            model: the best model.
            configuration: every value that changes a result, as JSON: {section: {name: value}},
                with `audio` and `contest` among the sections.
            pipeline_name: to be shown.
        """
        super().__init__(
            GenreReportSpec(
                **{
                    executor.EXAMPLES: examples,
                    executor.TRANSFORMED: transformed_examples,
                    executor.LEADERBOARD: leaderboard,
                    executor.RANKING: ranking,
                    executor.EVALUATION: evaluation,
                    executor.BLESSING: blessing,
                    executor.MODEL: model,
                    executor.CONFIGURATION: configuration,
                    executor.PIPELINE_NAME: pipeline_name,
                    executor.REPORT: types.Channel(type=system.Artifact),
                    executor.PAGE: types.Channel(type=system.HTML),
                }
            )
        )
