"""The whole command, from its flags to its exit status, against Google Cloud on this machine."""

from __future__ import annotations

import shutil

import google.auth
import grpc
import pytest
from apache_beam.internal.gcp import auth
from google.api_core.retry import Retry
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import aiplatform_v1
from google.cloud.aiplatform import base, initializer

import vertex_runner
from common import files
from common.exit_status import BAD_INPUT, FAULT, INTERRUPTED, PUSHED, REFUSED
from pipeline.vertex import faults, watching
from pipeline.vertex import run as vertex_run

WHERE = ["--project=my-project", "--region=us-central1"]
PARENT = "projects/my-project/locations/us-central1"
JOB = "music-genre-20261125010203"
ACCOUNT = "--service-account=runner@my-project.iam.gserviceaccount.com"
TASKS = ("FmaExampleGen", "Evaluator", "AtomicPusher", "GenreReport")


@pytest.fixture
def bucket(write_archive, google_cloud, tmp_path, monkeypatch):
    """A bucket with a tiny archive, in a project in which nothing is wrong; Beam reads it, too."""
    write_archive()
    folder = google_cloud.buckets / "my-bucket"
    for name in ("audio", "metadata"):
        shutil.copytree(tmp_path / name, folder / name)
    # Beam looks for credentials for half a minute before it asks without; here there are none.
    monkeypatch.setattr(auth._Credentials, "_credentials_init", True, raising=False)
    monkeypatch.setattr(watching, "_POLLING_SECONDS", 0)
    monkeypatch.setattr(faults, "JOB_PATIENCE", {"initial": 0.01, "maximum": 0.02, "timeout": 0.3})
    monkeypatch.setattr(base, "_DEFAULT_RETRY", Retry(initial=0.01, maximum=0.01, timeout=0.05))
    return folder


@pytest.fixture
def command(bucket, capsys):
    def call(*flags):
        status = vertex_runner.main([*WHERE, *flags])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def submit(command):
    def call(*flags):
        return command(
            "--submit",
            "--pipeline-root=gs://my-bucket/root",
            "--audio-dir=gs://my-bucket/audio",
            "--metadata-dir=gs://my-bucket/metadata",
            "--models=knn,cnn1d",
            *flags,
        )

    return call


def job(state, *tasks, error=""):
    """A job as the service tells of it, besides its name."""
    whole = {"task_name": JOB, "state": "RUNNING"}
    dag = {"tasks": {name: {} for name in TASKS}}
    return aiplatform_v1.PipelineJob(
        state=f"PIPELINE_STATE_{state}",
        pipeline_spec={"root": {"dag": dag}},
        job_detail={"task_details": [whole, *tasks]},
        error={"message": error},
    )


def task(name, state, error="", **outputs):
    """A task as the service tells of it; `outputs` are metadata by key."""
    return {
        "task_name": name,
        "state": state,
        "error": {"message": error},
        "outputs": {
            key: {"artifacts": [{"uri": f"gs://my-bucket/{name}", "metadata": metadata}]}
            for key, metadata in outputs.items()
        },
    }


def ended(blessed, pushed):
    destination = "gs://my-bucket/root/serving_model/7"
    return job(
        "SUCCEEDED",
        task("FmaExampleGen", "SKIPPED"),
        task("Evaluator", "SUCCEEDED", blessing={"blessed": blessed}),
        task(
            "AtomicPusher",
            "SUCCEEDED",
            pushed_model={"pushed": pushed, "pushed_destination": destination},
        ),
        task("GenreReport", "SUCCEEDED", page={}),
    )


def kinds(requests):
    return [type(request).__name__.removesuffix("Request") for request in requests]


# Submitting


def test_a_run_is_submitted_and_followed_to_the_push(submit, google_cloud, bucket):
    google_cloud.looks[:] = [job("RUNNING"), ended(1, 1)]
    status, out, err = submit("--wait", "--labels=team=music")
    assert (status, err) == (PUSHED, "")
    create, *looks = google_cloud.requests
    assert f"submitted {PARENT}/pipelineJobs/{create.pipeline_job_id}\n" in out
    assert "Dataflow, at most 10 n1-standard-4" in out
    assert kinds(looks) == ["GetPipelineJob"] * 2
    assert out.endswith("blessed and pushed\n")
    asked = create.pipeline_job
    spec = aiplatform_v1.PipelineJob.to_dict(asked)["pipeline_spec"]
    tasks = spec["root"]["dag"]["tasks"]
    assert asked.display_name == "music-genre"
    assert asked.runtime_config.gcs_output_directory == "gs://my-bucket/root"
    assert asked.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"
    assert (asked.labels["team"], asked.labels["tfx_runner"]) == ("music", "kubeflow_v2")
    uncached = {
        name for name in ("Trainer-cnn1d", "Transform", "AtomicPusher")
        if not tasks[name]["cachingOptions"].get("enableCache")
    }  # fmt: skip
    assert uncached == {"AtomicPusher"}
    # The command has read the table: its digest is in the cache key.
    assert files.digest(str(bucket / "metadata" / "tracks.csv")) in str(tasks["FmaExampleGen"])


def test_identity_and_the_like_reach_the_job(submit, google_cloud):
    key = f"{PARENT}/keyRings/k/cryptoKeys/n"
    network = "projects/123/global/networks/default"
    flags = [f"--encryption-key={key}", f"--network={network}", ACCOUNT]
    assert submit(*flags, "--no-cache", "--failure-policy=fast")[0] == PUSHED
    [create] = google_cloud.requests
    asked = create.pipeline_job
    assert asked.encryption_spec.kms_key_name == key
    assert asked.network == network
    assert ACCOUNT.endswith(asked.service_account)
    assert asked.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    spec = aiplatform_v1.PipelineJob.to_dict(asked)["pipeline_spec"]
    tasks = spec["root"]["dag"]["tasks"].values()
    assert not any(task["cachingOptions"]["enableCache"] for task in tasks)


def test_a_schedule_is_created_instead_of_a_job(submit, google_cloud):
    status, out, _ = submit("--schedule=0 3 * * 1", ACCOUNT)
    assert status == PUSHED
    [create] = google_cloud.requests
    assert kinds([create]) == ["CreateSchedule"]
    assert (create.schedule.cron, create.schedule.max_concurrent_run_count) == ("0 3 * * 1", 1)
    asked = create.schedule.create_pipeline_job_request
    assert asked.parent == PARENT
    assert asked.pipeline_job.pipeline_spec["pipelineInfo"]["name"] == "music-genre"
    assert ACCOUNT.endswith(asked.pipeline_job.service_account)
    assert f"submitted {PARENT}/schedules/77\n" in out


# What stands in the way


def refusal(answer, expected):
    status, _, err = answer
    assert status == expected
    assert err.startswith("vertex_runner.py: error: ")
    assert err.count("\n") == 1, err
    return err


def test_input_that_may_not_be_read_is_named(submit, google_cloud):
    refused = "o/metadata%2Ftracks.csv"
    google_cloud.refused[f"my-bucket/{refused}"] = 403
    said = refusal(submit(), BAD_INPUT)
    assert "cannot read the input" in said
    assert f"{refused} is denied" in said
    assert not google_cloud.requests


def test_an_accelerator_that_google_does_not_have_is_refused(submit):
    assert "NVIDIA_TESLA_T4" in refusal(submit("--accelerator-type=T4"), BAD_INPUT)


def test_without_credentials_google_says_what_to_do(submit, monkeypatch):
    def default(*_, **__):
        raise DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(google.auth, "default", default)
    monkeypatch.setattr(initializer.global_config, "_credentials", None)
    assert "Your default credentials were not found" in refusal(submit(), BAD_INPUT)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("RESOURCE_EXHAUSTED", BAD_INPUT),  # a quota
        ("UNAVAILABLE", FAULT),
    ],
)
def test_what_the_service_refuses_is_passed_on(submit, google_cloud, code, expected):
    google_cloud.faults.append((grpc.StatusCode[code], "Google's words.\nAnd details."))
    said = refusal(submit(), expected)
    assert "cannot submit the pipeline: Google's words" in said
    # After an outage nobody knows whether there is a job: a second one would cost the same again.
    assert ("shows whether it was submitted" in said) == (expected == FAULT)
    assert kinds(google_cloud.requests) == ["CreatePipelineJob"]


def test_an_interrupted_submission_says_where_a_job_would_be(submit, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(vertex_run, "_start", interrupted)
    status, _, err = submit()
    assert status == INTERRUPTED
    assert "pipelines/runs?project=my-project shows whether" in err


# Following


@pytest.fixture
def follow(command, google_cloud):
    def call(*looks):
        google_cloud.looks[:] = looks
        return command(f"--job={JOB}")

    return call


def test_every_change_of_a_task_is_one_line(follow, google_cloud):
    running = task("FmaExampleGen", "RUNNING")
    status, out, _ = follow(
        job("PENDING"), job("RUNNING", running), job("RUNNING", running), ended(1, 1)
    )
    assert status == PUSHED
    assert [line.split() for line in out.splitlines()[:5]] == [
        ["FmaExampleGen", "running"],
        ["FmaExampleGen", "cached"],
        ["Evaluator", "done"],
        ["AtomicPusher", "done"],
        ["GenreReport", "done"],
    ]
    assert "gs://my-bucket/root/serving_model/7" in out
    assert "gs://my-bucket/GenreReport" in out
    assert {request.name for request in google_cloud.requests} == {f"{PARENT}/pipelineJobs/{JOB}"}


@pytest.mark.parametrize(
    ("look", "expected", "words"),
    [
        (ended(0, 0), REFUSED, "the gate refused the model"),
        (ended(1, 0), REFUSED, "withheld"),
        (job("SUCCEEDED"), FAULT, "no task says"),
        (job("CANCELLED", task("Evaluator", "CANCELLED")), FAULT, "the job is cancelled"),
        (job("FAILED", error="No such\naccount."), FAULT, "the job is failed: No such account."),
        (
            job("FAILED", task("Evaluator", "FAILED", "The replica\n exited."), error="The DAG"),
            FAULT,
            "Evaluator failed: The replica exited.",
        ),
        (
            job("FAILED", task("Evaluator", "FAILED"), error="Late."),
            FAULT,
            "Evaluator failed: Late.",
        ),
    ],
)
def test_the_end_of_the_job_is_the_exit_status(follow, look, expected, words):
    status, out, _ = follow(look)
    assert status == expected
    assert words in out


def test_an_outage_of_a_moment_is_waited_for(follow, google_cloud):
    for code in ("UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED"):
        google_cloud.faults.append((grpc.StatusCode[code], "The service is away."))
    assert follow(ended(1, 1))[0] == PUSHED
    assert len(google_cloud.requests) == 4


def test_an_outage_that_stays_is_left_with_the_command_that_comes_back(follow, google_cloud):
    google_cloud.faults.extend([(grpc.StatusCode.INTERNAL, "The service is away.")] * 1000)
    said = refusal(follow(job("RUNNING")), FAULT)
    assert "The service is away" in said
    assert f"`vertex_runner.py --job {JOB} --project my-project --region us-central1`" in said
    assert 2 <= len(google_cloud.requests) < 1000


def test_an_interruption_leaves_the_job_alone_and_says_how_to_come_back(
    follow, google_cloud, monkeypatch
):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupted)
    status, out, _ = follow(job("RUNNING"))
    assert status == INTERRUPTED
    assert f"the job runs on, `vertex_runner.py --job {JOB} --project my-project" in out
    assert kinds(google_cloud.requests) == ["GetPipelineJob"]


def test_a_region_that_google_does_not_have_is_named(command):
    said = refusal(command(f"--job={JOB}", "--region=nowhere1"), BAD_INPUT)
    assert f"cannot follow {JOB}: Unsupported region" in said


def test_a_job_that_does_not_exist_is_named(follow, google_cloud):
    google_cloud.faults.append((grpc.StatusCode.NOT_FOUND, f"{JOB} is not found."))
    assert f"cannot follow {JOB}: {JOB} is not found" in refusal(follow(), BAD_INPUT)
