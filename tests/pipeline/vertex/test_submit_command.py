"""The whole command, from its flags to its exit status, against stand-ins for Google Cloud."""

from __future__ import annotations

import shutil

import grpc
import pytest
from apache_beam.internal.gcp import auth
from google.cloud import aiplatform_v1

import vertex_runner
from pipeline.exit_status import BAD_INPUT, FAULT, PUSHED, REFUSED
from pipeline.vertex.roots import _WRITING

_BUCKET = "my-bucket"
_MANIFEST = (
    "/registry/us-central1-docker.pkg.dev/v2/my-project-123/music-genre/pipeline/manifests/latest"
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
    status, out, _ = run()
    assert status == BAD_INPUT
    assert "error: there is no image " in out
    assert not google.requests


def test_a_refusal_of_the_service_is_one_line_and_status_2(run, google):
    said = "The following quota metrics exceed quota limits: aiplatform.googleapis.com/jobs"
    google.faults.append((grpc.StatusCode.RESOURCE_EXHAUSTED, said))
    status, _, err = run()
    assert status == BAD_INPUT
    assert err.startswith("vertex_runner.py: error: the quota aiplatform.googleapis.com/jobs of ")
    assert len(err.splitlines()) == 1
