"""Trainer and Tuner whose work is done by a Vertex AI custom job, on a machine of its own.

The component's container submits the job, which runs an executor of TFX in the same image, and
waits for it. What the job is goes into `custom_config`, see `pipeline.vertex.jobs`.
"""

from __future__ import annotations

import tempfile
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.trainer import component as trainer
from tfx.components.trainer import executor as trainer_executor
from tfx.components.tuner import component as tuner
from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY

from common.errors import InputError
from components.refit import KeepsModelProperties
from pipeline.vertex.job_executor import JobExecutor, custom_config


def _require_accelerator(exec_properties: dict[str, Any]) -> None:
    """Raises InputError where TensorFlow does not see the accelerator that the job was given.

    It would train on the CPU, at the price of both, and say so only in the log.
    """
    job = custom_config(exec_properties)[TRAINING_ARGS_KEY]["job_spec"]
    (pool,) = job["worker_pool_specs"]
    machine = pool["machine_spec"]
    kind = machine.get("accelerator_type", "")
    is_tpu = kind.startswith("TPU") or "tpu_topology" in machine
    device = "TPU" if is_tpu else "GPU" if kind else ""
    if device and not tf.config.list_physical_devices(device):
        raise InputError(
            f"the machine {machine['machine_type']} was asked for with {kind or 'a TPU'}, but "
            f"TensorFlow finds no {device}: give an image that was built for it with "
            f"--network-image, see docs/vertex.md, instead of {pool['container_spec']['image_uri']}"
        )


class _OnItsAccelerator:
    """Goes before an executor of TFX."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs on the accelerator that was asked for, or not at all."""
        _require_accelerator(exec_properties)
        super().Do(input_dict, output_dict, exec_properties)  # type: ignore[misc]


class JobsTrainerExecutor(_OnItsAccelerator, trainer_executor.GenericExecutor):
    """TFX's Trainer, within a job."""


class TrainerExecutor(JobExecutor):
    """Runs TFX's Trainer in a job."""

    IN_THE_JOB = JobsTrainerExecutor


class RefitExecutor(KeepsModelProperties, JobExecutor):
    """Fits the best model again in a job."""

    IN_THE_JOB = JobsTrainerExecutor


class CustomJobRefit(trainer.Trainer):
    """`components.refit` in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(RefitExecutor)


class CustomJobTrainer(trainer.Trainer):
    """Trainer in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TrainerExecutor)


class JobsTunerExecutor(_OnItsAccelerator, tuner_executor.Executor):
    """TFX's Tuner within a job, with a folder for its trials, which a job is not given."""

    def _get_tmp_dir(self) -> str:
        return tempfile.mkdtemp(prefix="tuner-")


class TunerExecutor(JobExecutor):
    """Runs TFX's Tuner in a job.

    The Tuner that TFX has for jobs talks to a server of trials even where it is the only worker,
    and takes its description of the job from another key than the Trainer.
    """

    IN_THE_JOB = JobsTunerExecutor


class CustomJobTuner(tuner.Tuner):
    """Tuner in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)
