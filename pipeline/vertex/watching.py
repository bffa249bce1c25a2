"""Watching a pipeline job: a line for each change of a task, then the verdict."""

from __future__ import annotations

import dataclasses
import time
import urllib.parse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipeline.exit_status import FAULT, INTERRUPTED, PUSHED, REFUSED
from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.settings import VertexConfig

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1

# Tasks that tell how it ended, the property of their output that does, and where it is.
_PUSHER, _PUSHED_MODEL, _PUSHED = "AtomicPusher", "pushed_model", "pushed"
_EVALUATOR, _BLESSING, _BLESSED = "Evaluator", "blessing", "blessed"
_REPORT, _PAGE = "GenreReport", "page"
# States that are news, as they are shown: word and colour.
_SHOWN = {
    "RUNNING": ("running", "default"),
    "SUCCEEDED": ("done", "green"),
    "SKIPPED": ("cached", "default"),
    "FAILED": ("failed", "red"),
    "CANCELLED": ("cancelled", "red"),
    "NOT_TRIGGERED": ("not run", "default"),
}
_ENDED = {"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"}
_SECONDS_A_REQUEST = 60


@dataclasses.dataclass(frozen=True)
class _Change:
    """A task that is in a state since `seconds` after it began."""

    task: str
    state: str
    seconds: float


def watch(
    job_name: str,
    vertex: VertexConfig,
    *,
    cloud: Cloud | None = None,
    patience: faults.Patience | None = None,
    console: Console | None = None,
    seconds_between_looks: float = 20.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Follows a job to its end and returns the exit status, the one of a run on this machine.

    Args:
        job_name: its resource name, or its id.
        vertex: where it runs.
        cloud: the door to Google Cloud.
        patience: how long a service that is out is asked again.
        console: where the lines go.
        seconds_between_looks: from one look to the next.
        sleep: waits for so many seconds.

    Raises:
        InputError: where the job cannot be looked at.
        OutageError: where it can no longer be looked at; it runs on.
    """
    cloud = cloud or Cloud(vertex.project, vertex.region)
    patience = patience or faults.JOB_PATIENCE
    console = console or Console(highlight=False, soft_wrap=True)
    if "/" not in job_name:
        job_name = f"projects/{vertex.project}/locations/{vertex.region}/pipelineJobs/{job_name}"
    seen: dict[str, str] = {}
    try:
        with faults.explained(
            vertex, f"the job {job_name} runs on, and {_attach_command(job_name, vertex)}"
        ):
            while True:
                job = _look(job_name, cloud, patience, console)
                for change in changes(job, seen):
                    _print(console, change)
                if job.state.name in _ENDED:
                    break
                sleep(seconds_between_looks)
    except KeyboardInterrupt:
        console.print(_left_alone(job_name, vertex), markup=False)
        return INTERRUPTED
    return _verdict(job, vertex, console)


def _look(
    job_name: str, cloud: Cloud, patience: faults.Patience, console: Console
) -> aiplatform_v1.PipelineJob:
    def get() -> Any:
        return cloud.pipelines.get_pipeline_job(
            name=job_name, retry=None, timeout=_SECONDS_A_REQUEST
        )

    def say(text: str) -> None:
        console.print(text, markup=False)

    return faults.with_patience(get, patience, say, faults.is_transient)


def changes(job: aiplatform_v1.PipelineJob, seen: dict[str, str]) -> list[_Change]:
    """Returns the tasks whose state is news, in the order they began, and notes them in `seen`."""
    news = []
    for task in sorted(_tasks(job), key=lambda task: _when(task.start_time or task.create_time)):
        state = task.state.name
        if state in _SHOWN and seen.get(task.task_name) != state:
            seen[task.task_name] = state
            news.append(_Change(task.task_name, state, _seconds(task)))
    return news


def _tasks(job: aiplatform_v1.PipelineJob) -> list[aiplatform_v1.PipelineTaskDetail]:
    """Returns the components; the job's details have the whole pipeline as a further task."""
    names = set(job.pipeline_spec.get("root", {}).get("dag", {}).get("tasks", {}))
    details = job.job_detail.task_details
    return [task for task in details if not names or task.task_name in names]


def _when(moment: Any) -> float:
    return float(moment.timestamp()) if moment else 0.0


def _seconds(task: aiplatform_v1.PipelineTaskDetail) -> float:
    if not (task.start_time and task.end_time):
        return 0.0
    return _when(task.end_time) - _when(task.start_time)


def _print(console: Console, change: _Change) -> None:
    word, colour = _SHOWN[change.state]
    seconds = f"{change.seconds:>8.1f} s" if change.seconds else ""
    console.print(f"  {change.task:<28}[{colour}]{word:<10}[/]{seconds}")


def _attach_command(job_name: str, vertex: VertexConfig) -> str:
    return (
        f"`vertex_runner.py --job {job_name.rpartition('/')[2]} --project {vertex.project} "
        f"--region {vertex.region}` follows it again"
    )


def _left_alone(job_name: str, vertex: VertexConfig) -> str:
    return (
        f"stopped watching; the job runs on, and {_attach_command(job_name, vertex)}. "
        "This cancels it:\n"
        '  curl -X POST -H "Authorization: Bearer $(gcloud auth print-access-token)" '
        f"https://{vertex.region}-aiplatform.googleapis.com/v1/{job_name}:cancel"
    )


def _verdict(job: aiplatform_v1.PipelineJob, vertex: VertexConfig, console: Console) -> int:
    state = job.state.name.removeprefix("PIPELINE_STATE_").lower()
    console.print()
    if state != "succeeded":
        for line in failure_lines(job, vertex) or [_job_line(job, state)]:
            console.print(line, markup=False)
        return FAULT
    blessed = _property(job, _EVALUATOR, _BLESSING, _BLESSED)
    pushed = _property(job, _PUSHER, _PUSHED_MODEL, _PUSHED)
    if page := _artifact(job, _REPORT, _PAGE):
        console.print(f"  {'report':<12} {page.uri}", markup=False)
    if pushed:
        where = _property(job, _PUSHER, _PUSHED_MODEL, "pushed_destination")
        console.print(f"  {'model':<12} {where or '-'}", markup=False)
        console.print("blessed and pushed")
        return PUSHED
    if pushed is None and blessed is None:
        console.print("the job succeeded, but no task tells whether a model was pushed")
        return FAULT
    verdict = "the gate refused the model" if not blessed else "the model is blessed, but withheld"
    console.print(f"[red]{verdict}[/red]; the report has the reasons")
    return REFUSED


def failure_lines(job: aiplatform_v1.PipelineJob, vertex: VertexConfig) -> list[str]:
    """Returns what each failed task said and where its log is."""
    lines = []
    for task in _tasks(job):
        if task.state.name == "FAILED":
            message = task.error.message or job.error.message or "no message"
            lines.append(f"{task.task_name} failed: {' '.join(message.split())}")
            lines.extend(_log_lines(task, vertex))
    return lines


def _job_line(job: aiplatform_v1.PipelineJob, state: str) -> str:
    message = " ".join(job.error.message.split())
    return f"the job is {state}: {message}" if message else f"the job is {state}"


def _log_lines(task: aiplatform_v1.PipelineTaskDetail, vertex: VertexConfig) -> Iterable[str]:
    """Returns where the log of a task's container is; nothing where it never had one."""
    detail = task.executor_detail
    job = detail.custom_job_detail.job or detail.container_detail.main_job
    if job:
        query = f'resource.labels.job_id="{job.rpartition("/")[2]}"'
        address = "https://console.cloud.google.com/logs/query;query=" + urllib.parse.quote(query)
        yield f"  its log: {address}?project={vertex.project}"
        yield f"  or: gcloud logging read '{query}' --project={vertex.project} --freshness=7d"


def _artifact(job: aiplatform_v1.PipelineJob, task_name: str, output: str) -> Any | None:
    for task in _tasks(job):
        if task.task_name == task_name and output in task.outputs:
            for artifact in task.outputs[output].artifacts:
                return artifact
    return None


def _property(job: aiplatform_v1.PipelineJob, task_name: str, output: str, name: str) -> Any | None:
    """Returns a property of a task's output, None where the job does not tell it."""
    artifact = _artifact(job, task_name, output)
    if artifact is None or name not in artifact.metadata:
        return None
    return artifact.metadata[name]
