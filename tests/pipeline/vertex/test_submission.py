"""The real client against a pipeline service on this machine."""

import dataclasses
import datetime
import json
import os
from pathlib import Path

import grpc
import pytest
from google.auth import exceptions as auth
from google.cloud import aiplatform_v1

from pipeline.errors import InputError, OutageError
from pipeline.vertex import submission
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.faults import Patience, explain

HERE = Path(__file__).parent
SPEC = HERE / "small_pipeline.json"
NOW = datetime.datetime(2026, 11, 25, 1, 2, 3, tzinfo=datetime.timezone.utc)
JOB = "projects/my-project-123/locations/us-central1/pipelineJobs/music-genre-20261125010203"
IMPATIENT = Patience(first_seconds=0.01, longest_seconds=0.02, all_seconds=0.3)
# Writes the golden requests anew.
REGENERATE = "WRITE_GOLDEN=1 python -m pytest tests/pipeline/vertex/test_submission.py -k golden"


@pytest.fixture
def submit(vertex, cloud):
    said = []

    def call(config=vertex, *, enable_cache=True, spec=SPEC):
        return submission.submit(
            str(spec),
            config,
            pipeline_root="gs://my-bucket/root",
            enable_cache=enable_cache,
            cloud=cloud,
            patience=IMPATIENT,
            now=NOW,
            say=said.append,
        )

    call.said = said
    return call


def refusal(submit, *arguments, kind=InputError, **keywords):
    with pytest.raises(kind) as caught:
        submit(*arguments, **keywords)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_golden(request, name):
    path = HERE / "golden" / name
    text = json.dumps(json.loads(type(request).to_json(request)), indent=1, sort_keys=True) + "\n"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"if this is meant: {REGENERATE}"


@pytest.fixture
def everything_set(vertex):
    return dataclasses.replace(
        vertex,
        encryption_key="projects/my-project-123/locations/us-central1/keyRings/k/cryptoKeys/n",
        network="projects/123456/global/networks/default",
        labels=(("team", "music"),),
        failure_policy="fast",
    )


# What is sent


def test_a_job_is_asked_for_as_in_the_golden_request(submit, google):
    submitted = submit()
    [request] = google.requests
    assert_golden(request, "create_pipeline_job.json")
    assert submitted.name == JOB
    assert submitted.console_url == (
        "https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs/"
        "music-genre-20261125010203?project=my-project-123"
    )


def test_a_job_with_every_setting_is_asked_for_as_in_the_golden_request(
    submit, google, everything_set
):
    submit(everything_set, enable_cache=False)
    [request] = google.requests
    assert_golden(request, "create_pipeline_job_with_everything.json")


def test_a_schedule_is_asked_for_as_in_the_golden_request(submit, google, everything_set):
    submitted = submit(dataclasses.replace(everything_set, schedule="0 3 * * 1"))
    [request] = google.requests
    assert_golden(request, "create_schedule.json")
    assert submitted.name.endswith("/schedules/77")
    assert submitted.console_url.endswith("/pipelines/schedules/77?project=my-project-123")


def test_the_job_is_what_google_s_own_class_makes_of_the_same_file(everything_set):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    theirs = aiplatform.PipelineJob(
        display_name="music-genre",
        template_path=str(SPEC),
        pipeline_root="gs://my-bucket/root",
        enable_caching=False,
        encryption_spec_key_name=everything_set.encryption_key,
        labels=dict(everything_set.labels),
        credentials=AnonymousCredentials(),
        project=everything_set.project,
        location=everything_set.region,
        failure_policy="fast",
    )._gca_resource
    theirs.service_account = everything_set.service_account
    theirs.network = everything_set.network
    ours = submission.pipeline_job(
        json.loads(SPEC.read_text()),
        everything_set,
        pipeline_root="gs://my-bucket/root",
        enable_cache=False,
    )
    # Google's class drops the labels of the file, which say which TFX compiled it.
    assert ours.labels.pop("tfx_runner") == "kubeflow_v2"
    assert aiplatform_v1.PipelineJob.to_dict(ours) == aiplatform_v1.PipelineJob.to_dict(theirs)


def test_without_the_cache_no_task_may_use_it(submit, google):
    submit(enable_cache=False)
    spec = aiplatform_v1.PipelineJob.to_dict(google.requests[0].pipeline_job)["pipeline_spec"]
    tasks = spec["root"]["dag"]["tasks"].values()
    assert [task["cachingOptions"]["enableCache"] for task in tasks] == [False] * 4


def test_a_job_is_named_by_the_pipeline_and_the_time():
    assert submission.job_id("My_Pipeline!", NOW) == "my-pipeline-20261125010203"


# What goes wrong


def test_without_credentials_the_login_is_named(submit, vertex, monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(InputError) as caught:
        submission.submit(
            str(SPEC),
            vertex,
            pipeline_root="gs://my-bucket/root",
            enable_cache=True,
            cloud=Cloud(vertex.project, vertex.region),
        )
    assert str(caught.value) == (
        "there are no Google Cloud credentials here: run `gcloud auth application-default login`"
    )


def test_credentials_that_are_not_taken_ask_for_a_login(submit, google):
    google.faults.append(
        (grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials.")
    )
    message = refusal(submit)
    assert "Request had invalid authentication credentials" in message
    assert message.endswith("run `gcloud auth application-default login`")


@pytest.mark.parametrize(
    "error, mend",
    [
        (
            auth.RefreshError("Log in again"),
            "`gcloud auth application-default login`",
        ),
        (auth.TransportError("Failed to resolve oauth2.googleapis.com"), "check the network"),
    ],
)
def test_expired_credentials_and_a_missing_network_are_told_apart(vertex, error, mend):
    assert mend in explain(error, vertex)


def test_a_missing_role_is_said_with_the_command_that_grants_it(submit, google):
    denied = "Permission 'aiplatform.pipelineJobs.create' denied on resource '//aiplatform'"
    google.faults.append((grpc.StatusCode.PERMISSION_DENIED, denied))
    message = refusal(submit)
    assert "aiplatform.pipelineJobs.create" in message
    assert "`gcloud projects add-iam-policy-binding my-project-123 " in message
    assert "--role=roles/aiplatform.user`" in message


def test_an_api_that_is_off_is_said_with_the_command_that_turns_it_on(submit, google):
    off = "Vertex AI API (aiplatform.googleapis.com) has not been used in project 1 before"
    google.faults.append((grpc.StatusCode.PERMISSION_DENIED, off))
    assert "`gcloud services enable aiplatform.googleapis.com --project=my-project-123`" in refusal(
        submit
    )


def test_a_service_account_out_of_reach_is_said_with_the_command_that_opens_it(
    submit, google, vertex
):
    denied = f"You do not have permission to act as service_account: {vertex.service_account}"
    google.faults.append((grpc.StatusCode.PERMISSION_DENIED, denied))
    message = refusal(submit)
    assert f"service-accounts add-iam-policy-binding {vertex.service_account} " in message
    assert "--role=roles/iam.serviceAccountUser`" in message


def test_a_quota_is_named_and_shown(submit, google):
    metric = "aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus"
    said = f"The following quota metrics exceed quota limits: {metric}"
    google.faults.append((grpc.StatusCode.RESOURCE_EXHAUSTED, said))
    message = refusal(submit)
    assert message.startswith(f"the quota {metric} of project my-project-123 in us-central1 is")
    assert f"--filter=metric:{metric}`" in message
    assert "iam-admin/quotas?project=my-project-123" in message


@pytest.mark.parametrize(
    "code, said",
    [
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "The provided location ID doesn't match the endpoint. "
            "The valid location ID is `europe-west4`.",
        ),
        (
            grpc.StatusCode.FAILED_PRECONDITION,
            "The Cloud Storage bucket of `gs://my-bucket/root` is in location `us`. It must be in "
            "the same regional location as the service location `us-central1`.",
        ),
    ],
)
def test_a_region_that_does_not_fit_is_said_with_what_shows_it(submit, google, code, said):
    google.faults.append((code, said))
    message = refusal(submit)
    assert message.startswith("something is not in --region us-central1")
    assert said.rstrip(".") in message
    assert "`gcloud storage buckets describe gs://BUCKET " in message


@pytest.mark.parametrize(
    "said",
    [
        "Invalid machine type in projects/p/locations/us-central1/customJobs: n1-foo",
        "Bad field in //aiplatform.googleapis.com/projects/1/locations/us-central1/pipelineJobs/7",
    ],
)
def test_the_name_of_a_resource_is_no_word_about_regions(submit, google, said):
    google.faults.append((grpc.StatusCode.INVALID_ARGUMENT, said))
    assert refusal(submit).startswith(f"Vertex AI refused the job as invalid ({said})")


def test_an_invalid_job_is_said_as_such(submit, google):
    google.faults.append((grpc.StatusCode.INVALID_ARGUMENT, "pipeline_spec.root is missing."))
    assert "as invalid (pipeline_spec.root is missing)" in refusal(submit)


def test_what_is_not_found_is_said_with_the_flags_to_look_at(submit, google):
    google.faults.append((grpc.StatusCode.NOT_FOUND, "The project my-project-123 is not found."))
    message = refusal(submit)
    assert "The project my-project-123 is not found" in message
    assert "--project my-project-123 and --region us-central1" in message


def test_a_service_that_is_out_for_a_moment_is_asked_again_and_that_is_said_once(submit, google):
    google.faults.extend([(grpc.StatusCode.UNAVAILABLE, "The service is unavailable.")] * 3)
    assert submit().name == JOB
    assert len(google.requests) == 4
    assert submit.said == ["Vertex AI does not answer (The service is unavailable); asking again"]


def test_a_service_that_stays_out_is_given_up_with_one_message(submit, google):
    google.faults.extend([(grpc.StatusCode.UNAVAILABLE, "The service is unavailable.")] * 1000)
    message = refusal(submit, kind=OutageError)
    assert "stays out (The service is unavailable)" in message
    # A request may have made the job: another command would make another one.
    assert (
        "see that https://console.cloud.google.com/vertex-ai/pipelines/runs?project=my-project-123 "
        "has no job music-genre-20261125010203, then run the same command again" in message
    )
    assert 2 <= len(google.requests) < 100
    assert len(submit.said) == 1


def test_a_job_that_came_through_though_its_answer_did_not_is_no_second_job(
    submit, google, monkeypatch
):
    # The service makes the job and then fails: asked again, it says that there is one.
    google.faults.append((grpc.StatusCode.UNAVAILABLE, "connection reset"))
    google.jobs[JOB] = aiplatform_v1.PipelineJob(name=JOB)
    assert submit().name == JOB
    assert len(google.requests) == 2


def test_a_fault_inside_of_the_service_is_no_bad_input(submit, google):
    google.faults.append((grpc.StatusCode.INTERNAL, "Internal error encountered."))
    assert "(Internal error encountered)" in refusal(submit, kind=OutageError)
    assert len(google.requests) == 1


def test_a_schedule_is_asked_for_only_once(submit, google, vertex):
    google.faults.append((grpc.StatusCode.UNAVAILABLE, "The service is unavailable."))
    message = refusal(submit, dataclasses.replace(vertex, schedule="0 3 * * 1"), kind=OutageError)
    assert len(google.requests) == 1
    assert "has no new schedule" in message


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"pipelineSpec": {}}'])
def test_a_file_that_is_no_compiled_pipeline_is_refused(submit, tmp_path, google, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    assert "is not a compiled pipeline" in refusal(submit, spec=path)
    assert not google.requests


def test_a_file_that_is_not_there_is_named(submit, tmp_path):
    assert "cannot read" in refusal(submit, spec=tmp_path / "none.json")
