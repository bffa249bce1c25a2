"""Trainer and Tuner whose work is done by a Vertex AI custom job, on a machine of its own.

The component's container submits the job, which runs an executor of TFX in the same image, and
waits for it. What the job is goes into `custom_config`, see `pipeline.vertex.jobs`.
"""

from __future__ import annotations

import json
import tempfile
from typing import Any

from tfx import types
from tfx.components.trainer import component as trainer
from tfx.components.tuner import component as tuner
from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_ai_platform.trainer import executor as job_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import failure_notes
from models import fit_record


class TrainerExecutor(job_executor.GenericExecutor):
    """Runs TFX's Trainer in a job, and leaves a note where the model failed to train."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Waits for the job."""
        super().Do(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(output_dict[standard_component_specs.MODEL_KEY])
        record = fit_record.read(path_utils.serving_model_dir(model.uri))
        if record.status == fit_record.FAILED:
            custom = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
            failure_notes.write(custom["checkpoint_dir"], record.name, record.reason or "")


class CustomJobTrainer(trainer.Trainer):
    """Trainer in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainerExecutor)


class JobsTunerExecutor(tuner_executor.Executor):
    """TFX's Tuner with a folder for its trials, which a job is not given."""

    def _get_tmp_dir(self) -> str:
        return tempfile.mkdtemp(prefix="tuner-")


class TunerExecutor(job_executor.GenericExecutor):
    """Runs TFX's Tuner in a job.

    The Tuner that TFX has for jobs talks to a server of trials even where it is the only worker,
    and takes its description of the job from another key than the Trainer.
    """

    def _GetExecutorClass(self) -> type[tuner_executor.Executor]:  # noqa: N802 - TFX's name
        return JobsTunerExecutor


class CustomJobTuner(tuner.Tuner):
    """Tuner in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)
