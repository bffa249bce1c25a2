"""Evaluator that is told the candidate's temperature, and leaves out other kinds of baseline."""

from __future__ import annotations

import logging
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils, proto_utils

from components.model_properties import is_servable
from evaluation.eval_config import with_temperature
from models.training import fit_record


class Executor(executor.Executor):
    """TFX's executor, without a baseline that the Examples may have nothing for.

    A model that needs more than audio is only a baseline for another such model: the Examples of a
    run without FMA's features do not have what it reads. Locally the resolver's strategy sees to
    it; on Vertex AI the resolver is a query, which cannot look at the candidate.

    The temperature that the candidate's scores are calibrated with is in the record beside its
    SavedModel; with it the metrics have the calibration error before, too.
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
        record = fit_record.read(path_utils.serving_model_dir(candidate.uri))
        config = proto_utils.json_to_proto(
            exec_properties[standard_component_specs.EVAL_CONFIG_KEY], config_pb2.EvalConfig()
        )
        told = proto_utils.proto_to_json(with_temperature(config, record.temperature))
        super().Do(
            comparable,
            output_dict,
            {**exec_properties, standard_component_specs.EVAL_CONFIG_KEY: told},
        )


class ComparableEvaluator(component.Evaluator):
    """Evaluator that leaves out a baseline of another kind."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
