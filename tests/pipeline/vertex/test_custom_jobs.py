"""What the container of a custom job does before and after the job."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import google.auth
import google.auth.credentials
import grpc
import pytest
from google.api_core.exceptions import PermissionDenied
from google.cloud import aiplatform_v1
from tfx.types import standard_artifacts

from common.errors import InputError, OutageError
from components.endpoint_deployer.target import Machine
from pipeline.vertex import custom_jobs, faults, job_executor, jobs
from pipeline.vertex.settings import VertexConfig
from tests.grpc_stand_in import serving
from tests.vertex.harness.container import Image
from tests.vertex.harness.job_service import JobService

VERTEX = VertexConfig("my-project", "us-central1", "gcr.io/my-project/genre:1")


class StumblingJobService(JobService):
    """A job service that answers the first looks at a job with `outages`.

    It stands for the image, too: the container of a job is `process`.
    """

    name = VERTEX.image

    def __init__(self, logs: Path) -> None:
        super().__init__(cast(Image, self), logs)
        self.outages: list[grpc.StatusCode] = []
        self.cancelled: list[str] = []
        self.process = "true"
        self.command: list[str] = []

    def start(self, command: list[str], log: Path, *_: Any) -> subprocess.Popen[bytes]:
        self.command = list(command)
        log.write_text("no data")
        return subprocess.Popen(self.process.split())

    def get(self, request: Any, context: grpc.ServicerContext) -> aiplatform_v1.CustomJob:
        if self.outages:
            context.abort(self.outages.pop(0), "the service does not answer")
        return super().get(request, context)

    def cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.cancelled.append(request.name)
        return super().cancel(request, context)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StumblingJobService]:
    """Serve custom jobs, and send the real clients here."""
    service = StumblingJobService(tmp_path)
    with serving(*service.handlers()) as address:
        monkeypatch.setattr(
            grpc, "secure_channel", lambda target, *_, **__: grpc.insecure_channel(address)
        )
        nobody = google.auth.credentials.AnonymousCredentials()
        monkeypatch.setattr(google.auth, "default", lambda *_, **__: (nobody, None))
        yield service


def properties(folder: Path, vertex: VertexConfig = VERTEX, model: str = "svm") -> dict[str, Any]:
    """Return the execution properties of a Trainer."""
    custom = {
        "checkpoint_dir": str(folder / "checkpoints"),
        **jobs.custom_config(vertex, f"Trainer-{model}", [model]),
    }
    return {"custom_config": json.dumps(custom)}


def tune(folder: Path) -> None:
    """Run the Tuner's executor."""
    custom_jobs.TunerExecutor().Do({}, {}, properties(folder))


def test_a_job_runs_the_trainer_of_tfx_in_our_image(
    service: StumblingJobService, tmp_path: Path
) -> None:
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    custom_jobs.TrainerExecutor().Do({}, {"model": [model]}, properties(tmp_path))
    (job,) = service.jobs
    assert job.name.startswith("projects/my-project/locations/us-central1/customJobs/")
    (pool,) = job.job_spec.worker_pool_specs
    assert pool.container_spec.image_uri == VERTEX.image
    assert service.command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
    assert "pipeline.vertex.custom_jobs.JobsTrainerExecutor" in service.command


def test_a_job_is_cancelled_when_its_container_is_stopped(
    service: StumblingJobService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    service.process = "sleep 600"
    look = job_executor._look

    def stop_and_look(*arguments: Any) -> aiplatform_v1.CustomJob:
        os.kill(os.getpid(), signal.SIGTERM)
        return look(*arguments)

    monkeypatch.setattr(job_executor, "_look", stop_and_look)
    with pytest.raises(SystemExit) as stopped:
        tune(tmp_path)
    (job,) = service.jobs
    assert (stopped.value.code, service.cancelled) == (143, [job.name])
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_job_outlives_an_outage_of_the_service(
    service: StumblingJobService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "JOB_PATIENCE", {"initial": 0.01, "maximum": 0.05, "timeout": 60.0})
    service.outages = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL] * 2
    tune(tmp_path)
    (job,) = service.jobs
    assert (job.state.name, service.cancelled) == ("JOB_STATE_SUCCEEDED", [])
    assert service.outages == []


def test_a_job_that_can_no_longer_be_polled_is_named_and_not_cancelled(
    service: StumblingJobService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "JOB_PATIENCE", {"initial": 0.01, "maximum": 0.05, "timeout": 0.3})
    service.outages = [grpc.StatusCode.UNAVAILABLE] * 10_000
    with pytest.raises(OutageError, match="the service does not answer") as caught:
        tune(tmp_path)
    (job,) = service.jobs
    assert service.cancelled == []
    assert f"`gcloud ai custom-jobs cancel {job.name}` cancels it" in str(caught.value)


def test_a_job_is_cancelled_where_polling_it_is_refused(
    service: StumblingJobService, tmp_path: Path
) -> None:
    service.process = "sleep 600"
    service.outages = [grpc.StatusCode.PERMISSION_DENIED]
    with pytest.raises(PermissionDenied):
        tune(tmp_path)
    (job,) = service.jobs
    assert service.cancelled == [job.name]


def test_a_job_that_fails_fails_the_task(service: StumblingJobService, tmp_path: Path) -> None:
    service.process = "false"
    with pytest.raises(RuntimeError, match=r"customJobs/1 did not succeed: (.|\n)*no data"):
        tune(tmp_path)


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1), "NVIDIA_TESLA_T4, but .* no GPU"),
        (Machine("cloud-tpu", "TPU_V3", 8), "TPU_V3, but .* no TPU"),
        (Machine("ct5lp-hightpu-4t", tpu_topology="2x2"), "a TPU, but .* no TPU"),
    ],
)
@pytest.mark.parametrize(
    "executor", [custom_jobs.JobsTrainerExecutor, custom_jobs.JobsTunerExecutor]
)
def test_nothing_is_trained_on_a_cpu_beside_an_accelerator(
    tmp_path: Path, machine: Machine, said: str, executor: Any
) -> None:
    vertex = dataclasses.replace(VERTEX, network_machine=machine)
    with pytest.raises(InputError, match=f"{said}.*--network-image"):
        executor().Do({}, {}, properties(tmp_path, vertex, "fcn5"))


def test_a_tuner_has_a_folder_for_its_trials_though_a_job_is_given_none() -> None:
    executor_class = custom_jobs.TunerExecutor.IN_THE_JOB
    context = executor_class.Context(tmp_dir=None, unique_id="")
    folder = executor_class(context)._get_tmp_dir()
    assert os.listdir(folder) == []
    os.rmdir(folder)
