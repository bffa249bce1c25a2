"""The whole command, from its flags to its exit status, against stand-ins for Google Cloud."""

from __future__ import annotations

import shutil
import urllib.parse

import grpc
import pytest
from apache_beam.internal.gcp import auth
from google.cloud import aiplatform_v1

import vertex_runner
from pipeline.exit_status import BAD_INPUT, FAULT, INTERRUPTED, PUSHED, REFUSED
from pipeline.vertex import submission
from pipeline.vertex.roots import _WRITING

_BUCKET = "my-bucket"
_MANIFEST = (
    "/registry/us-central1-docker.pkg.dev/v2/my-project-123/music-genre/pipeline/manifests/latest"
)
_METRIC = urllib.parse.quote("aiplatform.googleapis.com/custom_model_training_cpus", safe="")
_TRAINING_CPUS = (
    "/v1beta1/projects/my-project-123/services/aiplatform.googleapis.com/consumerQuotaMetrics/"
    + _METRIC
)


@pytest.fixture
def archive(write_archive, google, tmp_path, monkeypatch):
    """A bucket with a tiny archive, in a project in which nothing is wrong; Beam reads it, too."""
    write_archive()
    bucket = google.buckets / _BUCKET
    shutil.rmtree(bucket, ignore_errors=True)
    for folder in ("audio", "metadata"):
        shutil.copytree(tmp_path / folder, bucket / folder)
    google.permissions.update(_WRITING)
    google.answers["HEAD", _MANIFEST] = {}
    google.answers["GET", _TRAINING_CPUS] = {
        "consumerQuotaLimits": [{"quotaBuckets": [{"effectiveLimit": "-1"}]}]
    }
    google.answers["GET", "/v1/projects/my-project-123/services:batchGet"] = {
        "services": [
            {"name": f"projects/1/services/{api}.googleapis.com", "state": "ENABLED"}
            for api in ("aiplatform", "artifactregistry", "compute", "storage")
        ]
    }
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google.endpoints.storage)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    # Beam looks for credentials for half a minute before it asks without; here there are none.
    monkeypatch.setattr(auth._Credentials, "_credentials_init", True, raising=False)
    return bucket


@pytest.fixture
def run(archive, google, capsys):
    def call(*flags):
        status = vertex_runner.main(
            [
                "--submit",
                "--project=my-project-123",
                "--region=us-central1",
                f"--pipeline-root=gs://{_BUCKET}/root",
                f"--audio-dir=gs://{_BUCKET}/audio",
                f"--metadata-dir=gs://{_BUCKET}/metadata",
                "--beam-runner=DirectRunner",
                "--models=knn,cnn1d",
                *flags,
            ],
            google.endpoints,
        )
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def ended(state, blessed=None, pushed=None):
    """The job's look when it has ended."""

    def at(job):
        outputs = [("Evaluator", "blessing", "blessed", blessed)]
        outputs.append(("AtomicPusher", "pushed_model", "pushed", pushed))
        details = [
            {
                "task_name": task,
                "state": state,
                "error": {"message": "out of memory"} if state == "FAILED" else None,
                "outputs": {output: {"artifacts": [{"metadata": {name: value}}]}},
            }
            for task, output, name, value in outputs
        ]
        return aiplatform_v1.PipelineJob(
            pipeline_spec=job.pipeline_spec,
            state=aiplatform_v1.PipelineState[f"PIPELINE_STATE_{state}"],
            job_detail={"task_details": details},
        )

    return at


def test_a_run_is_checked_priced_submitted_and_followed_to_the_push(run, google, archive):
    google.states.append(ended("SUCCEEDED", 1, 1))
    status, out, err = run("--wait")
    assert (status, err) == (PUSHED, "")
    assert "in sum" in out
    assert "submitted projects/my-project-123/locations/us-central1/pipelineJobs/music-" in out
    assert out.rstrip().endswith("blessed and pushed")
    create, *looks = google.requests
    assert {type(look).__name__ for look in looks} == {"GetPipelineJobRequest"}
    spec = aiplatform_v1.PipelineJob.to_dict(create.pipeline_job)["pipeline_spec"]
    assert "Trainer-cnn1d" in spec["root"]["dag"]["tasks"]
    # The command has looked into the bucket: the digest of its table is in the cache key.
    assert any(path.endswith("metadata%2Ftracks.csv?alt=media") for _, path in google.asked)


@pytest.mark.parametrize(
    "look, expected, words",
    [
        (ended("SUCCEEDED", 0, 0), REFUSED, "the gate refused the model"),
        (ended("FAILED"), FAULT, "Evaluator failed: out of memory"),
    ],
)
def test_the_end_of_the_job_is_the_exit_status(run, google, look, expected, words):
    google.states.append(look)
    status, out, _ = run("--wait")
    assert status == expected
    assert words in out


def test_without_wait_nobody_looks_at_the_job(run, google):
    status, out, _ = run()
    assert status == PUSHED
    assert [type(request).__name__ for request in google.requests] == ["CreatePipelineJobRequest"]
    assert "https://console.cloud.google.com/vertex-ai/" in out


def test_nothing_is_submitted_where_a_check_finds_an_error(run, google):
    google.answers["HEAD", _MANIFEST] = 404
    status, out, err = run()
    assert (status, out) == (BAD_INPUT, "")
    assert err.startswith("error: there is no image ")
    assert not google.requests


def test_weights_that_are_not_there_are_one_line_and_status_2(run, google):
    status, _, err = run(f"--mobilenet-weights=/gcs/{_BUCKET}/w.h5")
    assert status == BAD_INPUT
    assert err.startswith(f"error: there is no gs://{_BUCKET}/w.h5, which --mobilenet-weights")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("refused", ["o/metadata%2Ftracks.csv", "o"])
def test_input_that_may_not_be_read_is_one_sentence_and_status_2(run, google, refused):
    google.refused[f"{_BUCKET}/{refused}"] = 403
    status, _, err = run()
    assert status == BAD_INPUT
    *unknown, last = err.splitlines()
    assert all(line.startswith("not checked: ") for line in unknown)
    assert last.startswith("vertex_runner.py: error: you may not read the input (")
    assert "--role=roles/storage.objectViewer" in last
    assert not google.requests


def test_audio_may_have_a_bucket_of_its_own(run, google, archive):
    own = google.buckets / "my-audio"
    shutil.rmtree(own, ignore_errors=True)
    shutil.move(archive / "audio", own)
    status, _, err = run("--audio-dir=gs://my-audio")
    assert (status, err) == (PUSHED, "")
    [create] = google.requests
    assert "gs://my-audio" in str(create.pipeline_job)


def test_an_outage_is_one_line_and_status_1(run, google):
    google.faults.append((grpc.StatusCode.INTERNAL, "Internal error encountered."))
    status, _, err = run()
    assert status == FAULT
    assert err.startswith("vertex_runner.py: error: Vertex AI in us-central1 stays out (Internal ")
    assert len(err.splitlines()) == 1


def test_an_interrupted_submission_says_where_a_job_would_be(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(submission, "submit", interrupted)
    status, _, err = run()
    assert status == INTERRUPTED
    assert "pipelines/runs?project=my-project-123 has none before you run" in err


def test_a_job_is_followed_that_was_submitted_before(run, google, capsys):
    google.states.append(ended("SUCCEEDED", 1, 1))
    assert run()[0] == PUSHED
    name = next(iter(google.jobs)).rpartition("/")[2]
    where = ["--project=my-project-123", "--region=us-central1"]
    assert vertex_runner.main(["--wait", f"--job={name}", *where], google.endpoints) == PUSHED
    assert capsys.readouterr().out.rstrip().endswith("blessed and pushed")
    create, look = google.requests
    assert type(look).__name__ == "GetPipelineJobRequest"


def test_a_refusal_of_the_service_is_one_line_and_status_2(run, google):
    said = "The following quota metrics exceed quota limits: aiplatform.googleapis.com/jobs"
    google.faults.append((grpc.StatusCode.RESOURCE_EXHAUSTED, said))
    status, _, err = run()
    assert status == BAD_INPUT
    assert err.startswith("vertex_runner.py: error: the quota aiplatform.googleapis.com/jobs of ")
    assert len(err.splitlines()) == 1
