"""Work in a Vertex AI custom job that ends when the process that waits for it does."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from absl import logging
from google.api_core.exceptions import GoogleAPIError, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud import aiplatform_v1
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.extensions.google_cloud_ai_platform.constants import VERTEX_REGION_KEY
from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY
from tfx.extensions.google_cloud_ai_platform.training_clients import VertexJobClient
from tfx.types import standard_component_specs
from tfx.utils import name_utils

from common.errors import OutageError
from pipeline.vertex import faults

_POLLING_SECONDS = 30
_SECONDS_A_REQUEST = 60
_TERMINATED = 128 + signal.SIGTERM
_STATE = aiplatform_v1.JobState
# TFX waits for ever for a job that took too long.
_FAILED = (_STATE.JOB_STATE_FAILED, _STATE.JOB_STATE_CANCELLED, _STATE.JOB_STATE_EXPIRED)
_OVER = (_STATE.JOB_STATE_SUCCEEDED, *_FAILED)


def custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Returns a component's `custom_config`, which TFX hands on as JSON."""
    config: dict[str, Any] = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    return config


class JobExecutor(base_executor.BaseExecutor):
    """Runs an executor in a job that is cancelled when this process is stopped.

    TFX's own executor leaves the job running when its container is stopped, and a GPU goes on
    costing.
    """

    # What is run in the job.
    IN_THE_JOB: type[base_executor.BaseExecutor]

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Submits the job and waits for it.

        Raises:
            RuntimeError: where the job does not succeed.
            OutageError: where the job cannot be polled any more; it runs on.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        custom = custom_config(exec_properties)
        args = custom[TRAINING_ARGS_KEY]
        client = VertexJobClient(custom[VERTEX_REGION_KEY])
        job = client.create_training_job(
            input_dict,
            output_dict,
            exec_properties,
            name_utils.get_full_name(self.IN_THE_JOB),
            args,
            None,
            None,
        )
        options = {"api_endpoint": f"{custom[VERTEX_REGION_KEY]}-aiplatform.googleapis.com"}
        service = aiplatform_v1.JobServiceClient(client_options=options)
        with _sigterm_raises():
            client.launch_job(args["project"], job)
            _wait(client.get_job_name(), service)


def _wait(name: str, service: aiplatform_v1.JobServiceClient) -> None:
    """Waits for a job to end, or cancels it where the waiting ends first.

    A service that cannot be reached is no reason to cancel a job that has been paid for, and could
    not cancel it either.
    """
    try:
        while (job := _look(name, service)).state not in _OVER:
            time.sleep(_POLLING_SECONDS)
    except RetryError as error:
        raise OutageError(
            f"the custom job {name} cannot be polled any more ({error.cause}); it may still run, "
            f"and costs: `{_cancel_command(name)}` cancels it"
        ) from error
    except BaseException:
        _cancel(name, service)
        raise
    if job.state in _FAILED:
        raise RuntimeError(f"the custom job {job.name} did not succeed: {job.error.message}")


def _look(name: str, service: aiplatform_v1.JobServiceClient) -> aiplatform_v1.CustomJob:
    def get() -> aiplatform_v1.CustomJob:
        # Not `VertexJobClient.get_job`, which has a patience of its own, and a shorter one.
        return service.get_custom_job(name=name, retry=None, timeout=_SECONDS_A_REQUEST)

    return faults.with_patience(get, logging.warning)


def _cancel(name: str, service: aiplatform_v1.JobServiceClient) -> None:
    logging.warning("Cancelling %s", name)
    try:
        service.cancel_custom_job(name=name)
    except (GoogleAPIError, GoogleAuthError) as error:
        command = _cancel_command(name)
        logging.error("It goes on, and costs: %s; cancel it by hand: %s", error, command)


def _cancel_command(name: str) -> str:
    return f"gcloud ai custom-jobs cancel {name}"


@contextlib.contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Lets the signal that stops a container end the block as an exception does, once."""

    def leave(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
