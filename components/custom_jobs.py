"""Trainer and Tuner whose work is done by a Vertex AI custom job, on a machine of its own.

The component's container submits the job, which runs TFX's usual executor in the same image, and
waits for it. What the job is goes into `custom_config`, see `pipeline.vertex.jobs`.
"""

from __future__ import annotations

from tfx.components.trainer import component as trainer
from tfx.components.tuner import component as tuner
from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import executor_spec
from tfx.extensions.google_cloud_ai_platform.trainer import executor as job_executor


class CustomJobTrainer(trainer.Trainer):
    """Trainer in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(job_executor.GenericExecutor)


class TunerExecutor(job_executor.GenericExecutor):
    """Runs TFX's Tuner as it runs locally.

    The Tuner that TFX has for custom jobs talks to a server of trials even where it is the only
    worker, and takes its description of the job from another key than the Trainer.
    """

    def _GetExecutorClass(self) -> type[tuner_executor.Executor]:  # noqa: N802 - TFX's name
        return tuner_executor.Executor


class CustomJobTuner(tuner.Tuner):
    """Tuner in a custom job."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)
