"""Vertex AI's job service on 127.0.0.1: custom jobs are run as processes of this machine."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
from google.cloud import aiplatform_v1
from google.protobuf import empty_pb2
from google.rpc import code_pb2, status_pb2

from tests.grpc_stand_in import PACKAGE, service
from tests.vertex.harness.container import ContainerError, Image, wait

_STATE = aiplatform_v1.JobState


@dataclasses.dataclass
class _Running:
    job: aiplatform_v1.CustomJob
    process: subprocess.Popen[bytes]
    log: Path
    is_cancelled: bool = False
    over: threading.Event = dataclasses.field(default_factory=threading.Event)


class JobService:
    """CreateCustomJob, GetCustomJob and CancelCustomJob of jobs with one worker.

    `jobs` are those that were asked for, as they are now.
    """

    def __init__(self, image: Image, logs: Path):
        """Keep what containers are started from and where their output goes."""
        self._image = image
        self._logs = logs
        self._running: dict[str, _Running] = {}

    @property
    def jobs(self) -> list[aiplatform_v1.CustomJob]:
        return [running.job for running in self._running.values()]

    def create(
        self, request: aiplatform_v1.CreateCustomJobRequest, context: grpc.ServicerContext
    ) -> aiplatform_v1.CustomJob:
        (pool,) = request.custom_job.job_spec.worker_pool_specs
        if pool.container_spec.image_uri != self._image.name:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no image {pool.container_spec.image_uri}")
        job = aiplatform_v1.CustomJob(request.custom_job)
        job.name = f"{request.parent}/customJobs/{len(self._running) + 1}"
        job.state = _STATE.JOB_STATE_PENDING
        command = [*pool.container_spec.command, *pool.container_spec.args]
        log = self._logs / f"job-{job.display_name}.log"
        running = _Running(job, self._image.start(command, log, _worker_environment(job)), log)
        self._running[job.name] = running
        threading.Thread(target=self._work, args=(running,), daemon=True).start()
        return job

    def get(
        self, request: aiplatform_v1.GetCustomJobRequest, context: grpc.ServicerContext
    ) -> aiplatform_v1.CustomJob:
        """Return a job once it is over: TFX would wait 30 s before it asks again."""
        if request.name not in self._running:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no custom job {request.name}")
        running = self._running[request.name]
        running.over.wait()
        return running.job

    def cancel(
        self, request: aiplatform_v1.CancelCustomJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        if request.name not in self._running:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no custom job {request.name}")
        running = self._running[request.name]
        running.is_cancelled = True
        running.process.kill()
        return empty_pb2.Empty()

    def _work(self, running: _Running) -> None:
        job = running.job
        try:
            wait(running.process, running.log)
            job.state = _STATE.JOB_STATE_SUCCEEDED
        except ContainerError as error:
            job.error = status_pb2.Status(code=code_pb2.INTERNAL, message=str(error))
            failed, cancelled = _STATE.JOB_STATE_FAILED, _STATE.JOB_STATE_CANCELLED
            job.state = cancelled if running.is_cancelled else failed
        finally:
            running.over.set()

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return what a gRPC server needs to answer as the service."""
        methods = {
            "CreateCustomJob": self.create,
            "GetCustomJob": self.get,
            "CancelCustomJob": self.cancel,
        }
        return (service(f"{PACKAGE}.JobService", methods),)


def _worker_environment(job: aiplatform_v1.CustomJob) -> Iterator[tuple[str, str]]:
    """Yield what Vertex AI tells the only worker of a custom job about itself."""
    worker = {"type": "workerpool0", "index": 0}
    cluster = {"workerpool0": ["127.0.0.1:2222"]}
    yield "CLOUD_ML_JOB_ID", job.name.rpartition("/")[2]
    yield "CLUSTER_SPEC", json.dumps({"cluster": cluster, "environment": "cloud", "task": worker})
    chief = {"cluster": {"chief": ["127.0.0.1:2222"]}, "environment": "cloud"}
    yield "TF_CONFIG", json.dumps({**chief, "task": {"type": "chief", "index": 0}})
