"""Following a pipeline job: a line for each change of a task, then the verdict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console

from common.errors import InputError
from common.exit_status import FAULT, INTERRUPTED, PUSHED, REFUSED
from pipeline.vertex import faults
from pipeline.vertex.settings import VertexConfig

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1

# States of a task that are shown: word and colour.
_SHOWN = {
    "RUNNING": ("running", "default"),
    "SUCCEEDED": ("done", "green"),
    "SKIPPED": ("cached", "default"),
    "FAILED": ("failed", "red"),
    "CANCELLED": ("cancelled", "red"),
    "NOT_TRIGGERED": ("not run", "default"),
}
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_POLLING_SECONDS = 20.0


def watch(job_name: str, vertex: VertexConfig, *, console: Console) -> int:
    """Follows a job to its end and returns the exit status, that of a run on this machine.

    Args:
        job_name: its resource name, or its id.
        vertex: where it runs.
        console: where the lines go.

    Raises:
        InputError: where there is no such job, or it may not be read.
        OutageError: where Vertex AI no longer answers; the job runs on.
    """
    again = (
        f"`vertex_runner.py --job {job_name.rpartition('/')[2]} --project {vertex.project} "
        f"--region {vertex.region}` follows it again"
    )
    shown: dict[str, str] = {}
    try:
        with faults.explained(f"cannot follow {job_name}", f"the job runs on, {again}"):
            while True:
                job = _get(job_name, vertex, console)
                _print_changes(job, shown, console)
                if _state(job) in _ENDED:
                    break
                time.sleep(_POLLING_SECONDS)
    except KeyboardInterrupt:
        console.print(f"interrupted; the job runs on, {again}", markup=False)
        return INTERRUPTED
    return _verdict(job, console)


def _get(job_name: str, vertex: VertexConfig, console: Console) -> aiplatform_v1.PipelineJob:
    from google.cloud import aiplatform

    def get() -> Any:
        job = aiplatform.PipelineJob.get(job_name, project=vertex.project, location=vertex.region)
        return job.gca_resource

    try:
        return faults.with_patience(get, lambda text: console.print(text, markup=False))
    except ValueError as error:
        raise InputError(f"cannot follow {job_name}: {error}") from error


def _state(job: aiplatform_v1.PipelineJob) -> str:
    return str(job.state.name).removeprefix("PIPELINE_STATE_")


def _tasks(job: aiplatform_v1.PipelineJob) -> list[aiplatform_v1.PipelineTaskDetail]:
    """Returns the components; the job's details have the whole pipeline as a further task."""
    names = set(job.pipeline_spec.get("root", {}).get("dag", {}).get("tasks", {}))
    details = job.job_detail.task_details
    return [task for task in details if not names or task.task_name in names]


def _print_changes(job: aiplatform_v1.PipelineJob, shown: dict[str, str], console: Console) -> None:
    for task in _tasks(job):
        state = task.state.name
        if state in _SHOWN and shown.get(task.task_name) != state:
            shown[task.task_name] = state
            word, colour = _SHOWN[state]
            console.print(f"  {task.task_name:<28}[{colour}]{word}[/]")


def _verdict(job: aiplatform_v1.PipelineJob, console: Console) -> int:
    console.print()
    if _state(job) != "SUCCEEDED":
        failed = [task for task in _tasks(job) if task.state.name == "FAILED"]
        for task in failed:
            message = _line(task.error.message or job.error.message) or "no message"
            console.print(f"{task.task_name} failed: {message}", markup=False)
        if not failed:
            state = _state(job).lower()
            console.print(f"the job is {state}: {_line(job.error.message)}", markup=False)
        return FAULT
    page, pushed = _output(job, "GenreReport", "page"), _output(job, "AtomicPusher", "pushed_model")
    if page:
        console.print(f"  report  {page.uri}", markup=False)
    if pushed and pushed.metadata.get("pushed"):
        console.print(f"  model   {pushed.metadata.get('pushed_destination', '-')}", markup=False)
        console.print("blessed and pushed")
        return PUSHED
    blessing = _output(job, "Evaluator", "blessing")
    if not (pushed or blessing):
        console.print("the job succeeded, but no task says whether a model was pushed")
        return FAULT
    blessed = blessing and blessing.metadata.get("blessed")
    verdict = "the model is blessed, but withheld" if blessed else "the gate refused the model"
    console.print(f"[red]{verdict}[/red]; the report has the reasons")
    return REFUSED


def _line(message: str) -> str:
    return " ".join(message.split())


def _output(job: aiplatform_v1.PipelineJob, task_name: str, key: str) -> Any | None:
    """Returns the first artifact that a task has put out under a key."""
    for task in _tasks(job):
        if task.task_name == task_name and key in task.outputs:
            return next(iter(task.outputs[key].artifacts), None)
    return None
