"""Evaluator that holds a candidate only against a model that can read the same Examples."""

from __future__ import annotations

import logging
from typing import Any

from tfx import types
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs

from components.model_properties import is_servable


class Executor(executor.Executor):
    """TFX's executor, without a baseline that the Examples may have nothing for.

    A model that needs more than audio is only a baseline for another such model: the Examples of a
    run without FMA's features do not have what it reads. Locally the resolver's strategy sees to
    it; on Vertex AI the resolver is a query, which cannot look at the candidate.
    """

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the candidate, and the baseline where they can be compared."""
        candidate = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.MODEL_KEY]
        )
        baselines = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY, [])
        kept = [model for model in baselines if is_servable(model) or not is_servable(candidate)]
        if len(kept) < len(baselines):
            logging.warning("The last blessed model needs more than audio: there is no baseline")
        comparable = {**input_dict, standard_component_specs.BASELINE_MODEL_KEY: kept}
        super().Do(comparable, output_dict, exec_properties)


class ComparableEvaluator(component.Evaluator):
    """Evaluator that leaves out a baseline of another kind."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
