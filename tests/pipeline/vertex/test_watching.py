"""Watching a job of a pipeline service on this machine."""

import datetime
import io
import json
from pathlib import Path

import grpc
import pytest
from google.auth import exceptions as auth
from google.cloud import aiplatform_v1
from google.rpc import status_pb2
from rich.console import Console

from pipeline.errors import InputError, OutageError
from pipeline.exit_status import FAULT, INTERRUPTED, PUSHED, REFUSED
from pipeline.vertex import faults, watching
from pipeline.vertex.faults import Patience

SPEC = json.loads((Path(__file__).parent / "small_pipeline.json").read_text())
JOB = "projects/my-project-123/locations/us-central1/pipelineJobs/music-genre-20261125010203"
IMPATIENT = Patience(first_seconds=0.01, longest_seconds=0.02, all_seconds=0.3)
START = datetime.datetime(2026, 11, 25, tzinfo=datetime.timezone.utc)
TASK_NAMES = ("FmaExampleGen", "Evaluator", "AtomicPusher", "GenreReport")
_State = aiplatform_v1.PipelineTaskDetail.State


def task(name, state, *, seconds=None, error="", job="", **outputs):
    """A task as the service tells it; `outputs` are metadata by name of the output."""
    detail = aiplatform_v1.PipelineTaskDetail(
        task_name=name,
        state=_State[state],
        start_time=START + datetime.timedelta(minutes=10 * TASK_NAMES.index(name)),
        outputs={
            output: {"artifacts": [{"uri": f"gs://my-bucket/{name}/{output}", "metadata": values}]}
            for output, values in outputs.items()
        },
    )
    if seconds:
        detail.end_time = detail.start_time + datetime.timedelta(seconds=seconds)
    if error:
        detail.error = status_pb2.Status(code=9, message=error)
    if job:
        detail.executor_detail.container_detail.main_job = job
    return detail


def look(state, *tasks, error=""):
    """A job at one look of the watcher."""

    def at(_):
        whole = aiplatform_v1.PipelineTaskDetail(task_name=JOB.rpartition("/")[2])
        return aiplatform_v1.PipelineJob(
            name=JOB,
            state=aiplatform_v1.PipelineState[f"PIPELINE_STATE_{state}"],
            pipeline_spec=SPEC["pipelineSpec"],
            job_detail={"task_details": [whole, *tasks]},
            error=status_pb2.Status(message=error),
        )

    return at


@pytest.fixture
def watch(google, cloud, vertex):
    google.jobs[JOB] = aiplatform_v1.PipelineJob(name=JOB)

    def call(*looks, name=JOB, sleep=lambda seconds: None):
        google.states.extend(looks)
        text = io.StringIO()
        console = Console(file=text, highlight=False, soft_wrap=True)
        status = watching.watch(
            name, vertex, cloud=cloud, patience=IMPATIENT, console=console, sleep=sleep
        )
        return status, text.getvalue()

    return call


def judged(blessed, pushed):
    return (
        task("FmaExampleGen", "SKIPPED"),
        task("Evaluator", "SUCCEEDED", seconds=30, blessing={"blessed": blessed}),
        task(
            "AtomicPusher", "SUCCEEDED", seconds=2,
            pushed_model={"pushed": pushed, "pushed_destination": "gs://my-bucket/serving/7"},
        ),
        task("GenreReport", "SUCCEEDED", seconds=4, page={}),
    )  # fmt: skip


def test_every_change_of_a_task_is_one_line(watch):
    running = task("FmaExampleGen", "RUNNING")
    status, text = watch(
        look("PENDING"),
        look("RUNNING", running),
        look("RUNNING", running),
        look("RUNNING", task("FmaExampleGen", "SUCCEEDED", seconds=61.5)),
        look("SUCCEEDED", *judged(1, 1)[1:], task("FmaExampleGen", "SUCCEEDED", seconds=61.5)),
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[:5] == [
        "FmaExampleGen running",
        "FmaExampleGen done 61.5 s",
        "Evaluator done 30.0 s",
        "AtomicPusher done 2.0 s",
        "GenreReport done 4.0 s",
    ]
    assert status == PUSHED


def test_a_pushed_model_is_told_with_its_place(watch):
    status, text = watch(look("SUCCEEDED", *judged(1, 1)))
    assert status == PUSHED
    assert "gs://my-bucket/serving/7" in text
    assert "gs://my-bucket/GenreReport/page" in text
    assert "FmaExampleGen               cached" in text


def test_a_model_that_the_gate_refused_is_status_3(watch):
    status, text = watch(look("SUCCEEDED", *judged(0, 0)))
    assert status == REFUSED
    assert "the gate refused the model" in text
    assert "serving/7" not in text


def test_a_blessed_model_that_is_withheld_is_status_3(watch):
    status, text = watch(look("SUCCEEDED", *judged(1, 0)))
    assert status == REFUSED
    assert "withheld" in text


def test_a_success_that_tells_no_verdict_is_not_taken_for_a_push(watch):
    status, text = watch(look("SUCCEEDED", task("FmaExampleGen", "SUCCEEDED", seconds=1)))
    assert status == FAULT
    assert "no task tells" in text


def test_a_job_that_fails_midway_names_the_task_its_error_and_its_log(watch):
    custom_job = "projects/1/locations/us-central1/customJobs/4321"
    status, text = watch(
        look("RUNNING", task("FmaExampleGen", "RUNNING")),
        look(
            "FAILED",
            task("FmaExampleGen", "SUCCEEDED", seconds=60),
            task(
                "Evaluator", "FAILED", seconds=9, job=custom_job,
                error="The replica workerpool0-0 exited\n with a non-zero status of 1.",
            ),
            task("AtomicPusher", "NOT_TRIGGERED"),
            error="The DAG failed because some tasks failed.",
        ),
    )  # fmt: skip
    assert status == FAULT
    failures = [line for line in text.splitlines() if " failed: " in line]
    assert failures == [
        "Evaluator failed: The replica workerpool0-0 exited with a non-zero status of 1."
    ]
    assert "https://console.cloud.google.com/logs/query;query=resource.labels.job_id%3D" in text
    assert (
        """gcloud logging read 'resource.labels.job_id="4321"' --project=my-project-123""" in text
    )


def test_a_job_that_fails_before_any_task_says_why(watch):
    status, text = watch(look("FAILED", error="The service account does not exist."))
    assert status == FAULT
    assert "the job is failed: The service account does not exist." in text


def test_a_job_that_somebody_cancels_is_no_success(watch):
    status, text = watch(look("CANCELLED", task("FmaExampleGen", "CANCELLED", seconds=5)))
    assert status == FAULT
    assert "the job is cancelled" in text


def test_an_interruption_leaves_the_job_alone_and_says_how_to_cancel_it(watch, google):
    def interrupted(seconds):
        raise KeyboardInterrupt

    status, text = watch(look("RUNNING"), sleep=interrupted)
    assert status == INTERRUPTED
    assert "the job runs on" in text
    assert f"`vertex_runner.py --job {JOB.rpartition('/')[2]} --project my-project-123 " in text
    assert f"https://us-central1-aiplatform.googleapis.com/v1/{JOB}:cancel" in text
    assert {type(request).__name__ for request in google.requests} == {"GetPipelineJobRequest"}


@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED"]
)
def test_a_service_that_is_out_for_a_moment_is_asked_again(watch, google, code):
    google.faults.extend([(grpc.StatusCode[code], "The service is unavailable.")] * 2)
    status, text = watch(look("SUCCEEDED", *judged(1, 1)))
    assert status == PUSHED
    assert text.count("does not answer") == 1


@pytest.mark.parametrize(
    "error",
    [
        auth.TransportError("Failed to resolve oauth2.googleapis.com"),
        auth.RefreshError("token endpoint says 503", retryable=True),
    ],
)
def test_a_token_that_is_not_renewed_for_a_moment_is_asked_for_again(
    watch, cloud, monkeypatch, error
):
    errors, get = [error], cloud.pipelines.get_pipeline_job

    def stumble(**named):
        if errors:
            raise errors.pop()
        return get(**named)

    monkeypatch.setattr(cloud.pipelines, "get_pipeline_job", stumble)
    assert watch(look("SUCCEEDED", *judged(1, 1)))[0] == PUSHED


def test_a_service_that_stays_out_is_left_with_the_command_that_comes_back(watch, google):
    google.faults.extend([(grpc.StatusCode.UNAVAILABLE, "The service is unavailable.")] * 1000)
    with pytest.raises(OutageError) as caught:
        watch(look("RUNNING"))
    assert f"the job {JOB} runs on, and `vertex_runner.py --job music-genre-" in str(caught.value)


def test_a_watcher_is_patient_for_a_quarter_of_an_hour():
    assert faults.JOB_PATIENCE.all_seconds == 900


def test_a_job_may_be_named_by_its_id(watch):
    assert watch(look("SUCCEEDED", *judged(1, 1)), name=JOB.rpartition("/")[2])[0] == PUSHED


def test_a_job_that_is_not_there_is_said_in_one_sentence(watch, google):
    google.jobs.clear()
    with pytest.raises(InputError, match="does not find what the job needs"):
        watch(look("RUNNING"))
