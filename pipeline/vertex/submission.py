"""From a compiled file to a job, or a schedule of jobs, of Vertex AI Pipelines."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError
from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.settings import VertexConfig

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1

_CONSOLE = "https://console.cloud.google.com/vertex-ai"
_SECONDS_A_REQUEST = 60
_FAILURE_POLICIES = {
    "slow": "PIPELINE_FAILURE_POLICY_FAIL_SLOW",
    "fast": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
}


@dataclasses.dataclass(frozen=True)
class Submitted:
    """What Vertex AI made of a submission.

    Attributes:
        name: resource name of the job, or of the schedule.
        console_url: where a browser shows it.
    """

    name: str
    console_url: str


def submit(
    spec_path: str,
    vertex: VertexConfig,
    *,
    pipeline_root: str,
    enable_cache: bool,
    cloud: Cloud | None = None,
    patience: faults.Patience | None = None,
    now: datetime.datetime | None = None,
    say: Callable[[str], None] = print,
) -> Submitted:
    """Submits a compiled pipeline: as a job that starts at once, or on `vertex.schedule`.

    Args:
        spec_path: what `--compile-only` wrote.
        vertex: project, region, and how jobs are run.
        pipeline_root: `gs://` folder of the artifacts.
        enable_cache: whether tasks may take their results from earlier jobs, as compiled.
        cloud: the door to Google Cloud.
        patience: how long a service that is out is asked again.
        now: time that names the job, in UTC.
        say: is told of waits.

    Raises:
        InputError: with what mends it, where Google Cloud does not take the job.
        OutageError: where Google Cloud is out; the job may be there all the same.
    """
    cloud = cloud or Cloud(vertex.project, vertex.region)
    patience = patience or faults.Patience()
    spec = _read(spec_path)
    job = pipeline_job(spec, vertex, pipeline_root=pipeline_root, enable_cache=enable_cache)
    again = "then run the same command again later"
    if vertex.schedule:
        page = f"{_CONSOLE}/pipelines/schedules?project={vertex.project}"
        with faults.explained(vertex, f"see that {page} has no new schedule, {again}"):
            return _create_schedule(job, vertex, cloud)
    new_id = job_id(job.display_name, now)
    # A request may have come through though its answer did not; another command is another job.
    with faults.explained(vertex, f"see that {jobs_page(vertex)} has no job {new_id}, {again}"):
        return _create_job(job, vertex, cloud, patience, say, new_id)


def jobs_page(vertex: VertexConfig) -> str:
    """Returns where a browser shows the jobs of a project."""
    return f"{_CONSOLE}/pipelines/runs?project={vertex.project}"


def job_id(name: str, now: datetime.datetime | None = None) -> str:
    """Returns the id of a job: the pipeline's name and the time in UTC, in Vertex AI's letters."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    return f"{re.sub('[^-0-9a-z]+', '-', name.lower()).strip('-')}-{now:%Y%m%d%H%M%S}"


def pipeline_job(
    spec: Mapping[str, Any], vertex: VertexConfig, *, pipeline_root: str, enable_cache: bool
) -> aiplatform_v1.PipelineJob:
    """Returns the job of a compiled file, which is a `PipelineJob` or a bare `PipelineSpec`."""
    from google.cloud import aiplatform_v1

    pipeline_spec = spec.get("pipelineSpec", spec)
    runtime_config = {
        **spec.get("runtimeConfig", {}),
        "gcsOutputDirectory": pipeline_root,
        "failurePolicy": _FAILURE_POLICIES[vertex.failure_policy],
    }
    job = aiplatform_v1.PipelineJob(
        display_name=pipeline_spec["pipelineInfo"]["name"],
        pipeline_spec=pipeline_spec if enable_cache else _uncached(pipeline_spec),
        runtime_config=aiplatform_v1.PipelineJob.RuntimeConfig.from_json(
            json.dumps(runtime_config)
        ),
        labels={**spec.get("labels", {}), **dict(vertex.labels)},
        service_account=vertex.service_account,
        network=vertex.network,
    )
    if vertex.encryption_key:
        job.encryption_spec.kms_key_name = vertex.encryption_key
    return job


def _uncached(pipeline_spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy in which no task takes its result from an earlier job."""
    copy: dict[str, Any] = json.loads(json.dumps(pipeline_spec))
    for component in (copy["root"], *copy.get("components", {}).values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            task["cachingOptions"] = {"enableCache": False}
    return copy


def _read(spec_path: str) -> dict[str, Any]:
    try:
        with open(spec_path, encoding="utf-8") as file:
            spec = json.load(file)
    except OSError as error:
        raise InputError(f"cannot read {spec_path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{spec_path} is not a compiled pipeline: {error}") from error
    if not isinstance(spec, dict) or "pipelineInfo" not in spec.get("pipelineSpec", spec):
        raise InputError(f"{spec_path} is not a compiled pipeline: it has no pipelineInfo")
    return spec


def _parent(vertex: VertexConfig) -> str:
    return f"projects/{vertex.project}/locations/{vertex.region}"


def _create_job(
    job: aiplatform_v1.PipelineJob,
    vertex: VertexConfig,
    cloud: Cloud,
    patience: faults.Patience,
    say: Callable[[str], None],
    new_id: str,
) -> Submitted:
    from google.api_core.exceptions import AlreadyExists

    name = f"{_parent(vertex)}/pipelineJobs/{new_id}"
    asked_again = False

    def waiting(message: str) -> None:
        nonlocal asked_again
        asked_again = True
        say(message)

    def create() -> str:
        try:
            created = cloud.pipelines.create_pipeline_job(
                parent=_parent(vertex),
                pipeline_job=job,
                pipeline_job_id=new_id,
                retry=None,
                timeout=_SECONDS_A_REQUEST,
            )
        except AlreadyExists:
            if asked_again:  # the request before came through, its answer did not
                return name
            raise
        return str(created.name)

    created_name = faults.with_patience(create, patience, waiting)
    url = f"{_CONSOLE}/locations/{vertex.region}/pipelines/runs/{new_id}?project={vertex.project}"
    return Submitted(created_name, url)


def _create_schedule(
    job: aiplatform_v1.PipelineJob, vertex: VertexConfig, cloud: Cloud
) -> Submitted:
    """Creates a schedule, asking once: its name is the service's, so that two would be two."""
    from google.cloud import aiplatform_v1

    schedule = aiplatform_v1.Schedule(
        display_name=job.display_name,
        cron=vertex.schedule,
        # A run that takes longer than the time between two is not joined by the next.
        max_concurrent_run_count=1,
        create_pipeline_job_request=aiplatform_v1.CreatePipelineJobRequest(
            parent=_parent(vertex), pipeline_job=job
        ),
    )
    created = cloud.schedules.create_schedule(
        parent=_parent(vertex), schedule=schedule, retry=None, timeout=_SECONDS_A_REQUEST
    )
    number = created.name.rpartition("/")[2]
    url = f"{_CONSOLE}/locations/{vertex.region}/pipelines/schedules/{number}"
    return Submitted(str(created.name), f"{url}?project={vertex.project}")
