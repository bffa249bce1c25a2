"""EndpointDeployer: the pushed model to a Vertex AI endpoint."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

import system
from common.config import to_json
from components.endpoint_deployer import executor
from components.endpoint_deployer.target import Target


class EndpointDeployerSpec(component_spec.ComponentSpec):
    """From the pushed model to a record of what was deployed."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.TARGET: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.PUSHED_MODEL: component_spec.ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.DEPLOYMENT: component_spec.ChannelParameter(type=system.Artifact),
    }


class EndpointDeployer(base_component.BaseComponent):
    """Deploys what was pushed, as a canary or instead of what was there before."""

    SPEC_CLASS = EndpointDeployerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, pushed_model: types.BaseChannel, target: Target):
        """Builds the component.

        Args:
            pushed_model: what the pusher left.
            target: the endpoint, and how a model is deployed there.
        """
        super().__init__(
            EndpointDeployerSpec(
                **{
                    executor.PUSHED_MODEL: pushed_model,
                    executor.TARGET: to_json(target),
                    executor.DEPLOYMENT: types.Channel(type=system.Artifact),
                }
            )
        )
