"""What the container of a custom job does before and after the job."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import google.auth
import google.auth.credentials
import grpc
import pytest
from google.api_core.exceptions import PermissionDenied
from google.cloud import aiplatform_v1
from tfx.extensions.google_cloud_ai_platform.training_clients import VertexJobClient
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from common.errors import InputError, OutageError
from components.endpoint_deployer.target import Machine
from models import failure_notes
from models.training import fit_record
from models.training.fit_record import FitRecord
from pipeline.vertex import custom_jobs, faults, jobs
from pipeline.vertex.settings import VertexConfig
from tests.grpc_stand_in import serving
from tests.vertex.harness.container import Image
from tests.vertex.harness.job_service import JobService

VERTEX = VertexConfig("my-project", "us-central1", "gcr.io/my-project/genre:1")


class Job:
    """What the job service runs: a stand-in for an image, whose only container the test is."""

    name = VERTEX.image

    def __init__(self, work: Callable[[], None], process: str) -> None:
        self.work = work
        self.process = process
        self.command: list[str] = []

    def start(self, command: list[str], log: Path, *_: Any) -> subprocess.Popen[bytes]:
        """Keep the command line, do the work, and start a process that stands for it."""
        self.command = list(command)
        self.work()
        log.write_text("no data")
        return subprocess.Popen(self.process.split())


class StumblingJobService(JobService):
    """A job service that answers the first looks at a job with `outages`; notes cancellations."""

    def __init__(self, image: Image, logs: Path) -> None:
        super().__init__(image, logs)
        self.outages: list[grpc.StatusCode] = []
        self.cancelled: list[str] = []

    def get(self, request: Any, context: grpc.ServicerContext) -> aiplatform_v1.CustomJob:
        if self.outages:
            context.abort(self.outages.pop(0), "the service does not answer")
        return super().get(request, context)

    def cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.cancelled.append(request.name)
        return super().cancel(request, context)


@contextlib.contextmanager
def job_service(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[], None] = lambda: None,
    process: str = "true",
) -> Iterator[tuple[StumblingJobService, Job]]:
    """Serve custom jobs, and let the real clients come here."""
    job = Job(work, process)
    service = StumblingJobService(cast(Image, job), folder)
    with serving(*service.handlers()) as address:
        monkeypatch.setattr(
            grpc, "secure_channel", lambda target, *_, **__: grpc.insecure_channel(address)
        )
        nobody = google.auth.credentials.AnonymousCredentials()
        monkeypatch.setattr(google.auth, "default", lambda *_, **__: (nobody, None))
        yield service, job


def properties(folder: Path, vertex: VertexConfig = VERTEX, model: str = "svm") -> dict[str, Any]:
    """Return the execution properties of a Trainer."""
    custom = {
        "checkpoint_dir": str(folder / "checkpoints"),
        **jobs.custom_config(vertex, f"Trainer-{model}", model),
    }
    return {"custom_config": json.dumps(custom)}


def run_trainer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, record: FitRecord
) -> tuple[aiplatform_v1.CustomJob, list[str]]:
    """Run the executor whose job leaves a record; return the job and its command line."""
    model = standard_artifacts.Model()
    model.uri = str(folder / "model")

    def leave_the_record() -> None:
        fit_record.write(path_utils.serving_model_dir(model.uri), record)

    with job_service(folder, monkeypatch, leave_the_record) as (service, job):
        custom_jobs.TrainerExecutor().Do({}, {"model": [model]}, properties(folder))
    (asked,) = service.jobs
    return asked, job.command


def test_a_job_runs_the_trainer_of_tfx_in_our_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, command = run_trainer(tmp_path, monkeypatch, FitRecord("svm"))
    assert asked.name.startswith("projects/my-project/locations/us-central1/customJobs/")
    (pool,) = asked.job_spec.worker_pool_specs
    assert pool.container_spec.image_uri == VERTEX.image
    assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
    assert "pipeline.vertex.custom_jobs.JobsTrainerExecutor" in command
    assert not failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"])


def test_a_model_that_failed_to_train_is_trained_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = FitRecord("svm", fit_record.FAILED, reason="no weights")
    run_trainer(tmp_path, monkeypatch, failed)
    notes = failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["knn", "svm"])
    assert [model for model, _ in notes] == ["svm"]
    (note,) = (tmp_path / "checkpoints" / "failed").iterdir()
    assert note.read_text() == "no weights\n"
    os.utime(note, (0, 0))  # as another failure would, at another time
    again = failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"])
    assert again != notes
    assert failure_notes.fingerprints(str(tmp_path / "checkpoints"), ["svm"]) == again


def test_a_job_ends_when_its_container_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with job_service(tmp_path, monkeypatch, process="sleep 600") as (service, _):

        def stop_the_pipeline() -> None:
            while not service.jobs:
                time.sleep(0.05)
            time.sleep(0.5)  # the container waits for the job by then
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=stop_the_pipeline, daemon=True).start()
        with pytest.raises(SystemExit) as stopped:
            custom_jobs.TunerExecutor().Do({}, {}, properties(tmp_path))
        (job,) = service.jobs
        client = VertexJobClient("us-central1")
        client._job_name = job.name
        assert client.get_job().state.name == "JOB_STATE_CANCELLED"
    assert stopped.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"])
def test_a_job_outlives_an_outage_of_the_service_that_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(faults, "JOB_PATIENCE", {"initial": 0.01, "maximum": 0.05, "timeout": 60.0})
    with job_service(tmp_path, monkeypatch) as (service, _):
        service.outages = [grpc.StatusCode[code]] * 4
        custom_jobs.TunerExecutor().Do({}, {}, properties(tmp_path))
        (job,) = service.jobs
    assert (job.state.name, service.cancelled) == ("JOB_STATE_SUCCEEDED", [])
    assert service.outages == []


def test_a_job_that_can_no_longer_be_looked_at_is_named_and_not_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "JOB_PATIENCE", {"initial": 0.01, "maximum": 0.05, "timeout": 0.5})
    with job_service(tmp_path, monkeypatch) as (service, _):
        service.outages = [grpc.StatusCode.UNAVAILABLE] * 10_000
        with pytest.raises(OutageError) as caught:
            custom_jobs.TunerExecutor().Do({}, {}, properties(tmp_path))
        (job,) = service.jobs
    assert service.cancelled == []
    assert f"the custom job {job.name} cannot be polled any more" in str(caught.value)
    assert "the service does not answer" in str(caught.value)
    assert f"`gcloud ai custom-jobs cancel {job.name}` cancels it" in str(caught.value)


def test_a_job_is_cancelled_where_looking_at_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with job_service(tmp_path, monkeypatch, process="sleep 600") as (service, _):
        service.outages = [grpc.StatusCode.PERMISSION_DENIED]
        with pytest.raises(PermissionDenied):
            custom_jobs.TunerExecutor().Do({}, {}, properties(tmp_path))
        (job,) = service.jobs
    assert service.cancelled == [job.name]


def test_a_job_that_fails_fails_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        job_service(tmp_path, monkeypatch, process="false"),
        pytest.raises(RuntimeError, match=r"customJobs/1 did not succeed: (.|\n)*no data"),
    ):
        custom_jobs.TunerExecutor().Do({}, {}, properties(tmp_path))


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
