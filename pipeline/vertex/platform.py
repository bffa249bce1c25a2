"""The DAG's parts that are Vertex AI's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode

from components.endpoint_deployer.component import EndpointDeployer
from components.endpoint_deployer.target import Target
from pipeline.vertex import jobs
from pipeline.vertex.custom_jobs import CustomJobRefit, CustomJobTrainer, CustomJobTuner
from pipeline.vertex.settings import VertexConfig


@dataclasses.dataclass(frozen=True)
class VertexPlatform:
    """Custom jobs for what trains, Vertex's own resolver, an endpoint where one is asked for."""

    vertex: VertexConfig

    def trainer(self, model: str, **arguments: Any) -> tfx.components.Trainer:
        return self._in_a_job(CustomJobTrainer, f"Trainer-{model}", [model], arguments)

    def refit(self, models: Collection[str], **arguments: Any) -> tfx.components.Trainer:
        return self._in_a_job(CustomJobRefit, "Refit", models, arguments)

    def tuner(self, model: str, **arguments: Any) -> tfx.components.Tuner:
        return self._in_a_job(CustomJobTuner, f"Tuner-{model}", [model], arguments)

    def _in_a_job(
        self,
        component: Callable[..., Any],
        name: str,
        models: Collection[str],
        arguments: dict[str, Any],
    ) -> Any:
        # Letters, digits and hyphens: a name of which every service makes resources.
        node_id = name.replace("_", "-")
        job = jobs.custom_config(self.vertex, node_id, models)
        custom_config = {**arguments["custom_config"], **job}
        return component(**{**arguments, "custom_config": custom_config}).with_id(node_id)

    def baseline(self, candidate: types.BaseChannel) -> BaseNode:
        """Returns a query for the model that the pipeline of this name blessed last.

        Vertex runs no strategy of ours; it queries its metadata store, at the start of the run.
        The model is that of an earlier run, therefore, unless all that comes before the Evaluator
        is cached: then it is the candidate itself, which passes again and is what is pushed.
        """
        return tfx.dsl.Resolver(
            strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
            model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
            model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
        )

    def deployers(self, pushed_model: types.BaseChannel) -> list[BaseNode]:
        vertex = self.vertex
        if vertex.endpoint is None:
            return []
        target = Target(
            vertex.project,
            vertex.region,
            vertex.endpoint,
            vertex.service_account,
            vertex.encryption_key,
            vertex.labels,
        )
        return [EndpointDeployer(pushed_model, target)]
