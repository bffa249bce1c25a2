"""What is looked at before a submission, asked of stand-ins on this machine."""

import dataclasses
import urllib.parse

import pytest

from pipeline.config import (
    DataConfig,
)
from pipeline.errors import InputError
from pipeline.run_config import PipelineConfig
from pipeline.vertex import accelerators, checks, image
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import ERROR, UNKNOWN, WARNING
from pipeline.vertex.roots import _WRITING
from pipeline.vertex.settings import Machine

T4 = Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1)
_SERVICES = "/v1/projects/my-project-123/services:batchGet"
_APIS = ("aiplatform", "artifactregistry", "compute", "storage", "dataflow")
_MANIFEST = (
    "/registry/us-central1-docker.pkg.dev/v2/my-project-123/music-genre/pipeline/manifests/1"
)
_WITH_CUDA = "us-central1-docker.pkg.dev/my-project-123/music-genre/pipeline:gpu"
_ACT_AS = (
    "/v1/projects/-/serviceAccounts/runner@my-project-123.iam.gserviceaccount.com"
    ":testIamPermissions"
)


def _manifest(tag):
    return f"{_MANIFEST.rpartition('/')[0]}/{tag}"


_METRIC = "aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus"
_QUOTA = (
    "/v1beta1/projects/my-project-123/services/aiplatform.googleapis.com/consumerQuotaMetrics/"
    + urllib.parse.quote(_METRIC, safe="")
)
_REGION = "/compute/v1/projects/my-project-123/regions/us-central1"


def quota(limit, region="us-central1"):
    bucket = {"effectiveLimit": str(limit), "dimensions": {"region": region}}
    everywhere = {"effectiveLimit": "0", "defaultLimit": "0"}
    return {"consumerQuotaLimits": [{"quotaBuckets": [everywhere, bucket]}]}


def cpus(limit, usage):
    return {"quotas": [{"metric": "CPUS", "limit": float(limit), "usage": float(usage)}]}


@pytest.fixture
def config():
    return PipelineConfig(
        data=DataConfig("gs://my-data/fma_small", "gs://my-data/fma_metadata"),
        pipeline_root="gs://my-bucket/root",
        metadata_path="",
        serving_model_dir="gs://my-bucket/root/serving_model",
        checkpoint_dir="gs://my-bucket/root/checkpoints",
        bad_files_path="gs://my-bucket/root/bad_files.csv",
    )


@pytest.fixture
def google(google):
    """A project in which nothing is wrong."""
    for path in ("my-data/fma_small/000/000002.mp3", "my-data/fma_metadata/tracks.csv"):
        file = google.buckets / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    (google.buckets / "my-bucket").mkdir(exist_ok=True)
    google.permissions.update(_WRITING)
    google.answers.update(
        {
            ("GET", _SERVICES): {
                "services": [
                    {"name": f"projects/1/services/{api}.googleapis.com", "state": "ENABLED"}
                    for api in _APIS
                ]
            },
            ("HEAD", _MANIFEST): {},
            ("HEAD", _manifest("gpu")): {},
            ("POST", _ACT_AS): {"permissions": ["iam.serviceAccounts.actAs"]},
            ("GET", _QUOTA): quota(4),
            ("GET", _REGION): cpus(200, 0),
        }
    )
    yield google
    for file in sorted(google.buckets.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


@pytest.fixture
def check(google, cloud, vertex, config):
    def call(**changes):
        changed = dataclasses.replace(vertex, network_machine=T4, network_image=_WITH_CUDA)
        return checks.check(dataclasses.replace(changed, **changes), config, cloud=cloud)

    return call


def only(problems):
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def test_nothing_is_said_of_a_project_in_which_nothing_is_wrong(check):
    assert check() == []


def test_a_bucket_that_is_not_there_is_said_with_the_command_that_makes_it(check, google):
    (google.buckets / "my-bucket").rmdir()
    problem = only(check())
    assert problem.kind == ERROR
    assert str(problem) == (
        "error: there is no bucket gs://my-bucket: run `gcloud storage buckets create "
        "gs://my-bucket --project=my-project-123 --location=us-central1 "
        "--uniform-bucket-level-access`"
    )


def test_a_bucket_of_another_region_is_an_error_where_the_run_writes(check, google):
    google.locations["my-bucket"] = "europe-west4"
    problem = only(check())
    assert (problem.kind, problem.what) == (
        ERROR,
        "gs://my-bucket is in europe-west4, the run in us-central1",
    )
    assert "--location=us-central1" in problem.command


@pytest.mark.parametrize("bucket, location", [("my-data", "europe-west4"), ("my-bucket", "us")])
def test_a_bucket_that_may_do_from_elsewhere_is_a_warning(check, google, bucket, location):
    google.locations[bucket] = location
    assert only(check()).kind == WARNING


def test_a_bucket_that_may_not_be_written_is_said_with_the_command_that_opens_it(check, google):
    google.permissions.discard("storage.objects.create")
    problem = only(check())
    assert problem.kind == ERROR
    assert "storage buckets add-iam-policy-binding gs://my-bucket " in problem.command


def test_audio_that_is_not_there_is_said_with_the_command_that_copies_it(check, google):
    (google.buckets / "my-data/fma_small/000/000002.mp3").unlink()
    problem = only(check())
    assert problem.what == "gs://my-data/fma_small is empty"
    assert problem.command.startswith("gcloud storage cp --recursive ")


def test_metadata_without_tracks_csv_is_said(check, google):
    (google.buckets / "my-data/fma_metadata/tracks.csv").unlink()
    assert only(check()).what == "there is no tracks.csv in gs://my-data/fma_metadata"


def test_an_image_that_is_not_there_is_said_with_the_commands_that_make_it(check, google):
    google.answers["HEAD", _MANIFEST] = 404
    name = "us-central1-docker.pkg.dev/my-project-123/music-genre/pipeline:1"
    assert only(check()).command == f"docker build --tag {name} . && docker push {name}"


@pytest.mark.parametrize(
    "machine, stage",
    [
        (T4, "gpu"),
        (Machine("cloud-tpu", "TPU_V3", 8), "tpu"),
        (Machine("ct5lp-hightpu-4t"), "tpu-v5e"),
    ],
)
def test_the_networks_image_is_made_for_their_machine(machine, stage):
    assert image.target(machine) == stage
    assert image.target(Machine()) == "cpu"


def test_a_networks_image_that_is_not_there_is_said_with_its_target(check, google):
    google.answers["HEAD", _manifest("gpu")] = 404
    assert only(check()).command == (
        f"docker build --target gpu --tag {_WITH_CUDA} . && docker push {_WITH_CUDA}"
    )


def test_an_accelerator_that_the_image_may_not_see_is_a_warning(check):
    problem = only(check(network_image=""))
    assert problem.kind == WARNING
    assert "--target gpu" in problem.what
    assert "--network-image" in problem.what


def test_an_image_of_another_registry_is_not_asked_for(check):
    assert only(check(image="ghcr.io/me/pipeline:1")).kind == UNKNOWN


def test_apis_that_are_off_are_said_with_the_command_that_turns_them_on(check, google):
    services = google.answers["GET", _SERVICES]["services"]
    services[0]["state"] = "DISABLED"
    problem = only(check())
    assert problem.command == (
        "gcloud services enable aiplatform.googleapis.com --project=my-project-123"
    )
    asked = [path for method, path in google.asked if path.startswith(_SERVICES)]
    assert "names=projects/my-project-123/services/dataflow.googleapis.com" in asked[0]


def test_a_service_account_that_may_not_be_used_is_said(check, google):
    google.answers["POST", _ACT_AS] = {}
    problem = only(check())
    assert problem.what.startswith("you may not run jobs as runner@")
    assert "--role=roles/iam.serviceAccountUser" in problem.command


def test_a_service_account_that_is_not_there_is_said(check, google):
    google.answers["POST", _ACT_AS] = 404
    assert only(check()).command == (
        "gcloud iam service-accounts create runner --project=my-project-123"
    )


@pytest.mark.parametrize("limit, kind", [(0, ERROR), (1, WARNING), (3, WARNING)])
def test_a_quota_that_is_too_small_is_said(check, google, limit, kind):
    google.answers["GET", _QUOTA] = quota(limit)
    problem = only(check())
    assert problem.kind == kind
    assert f"in us-central1 is {limit}; a job needs 1, the 4 networks at once 4" in problem.what
    assert _METRIC in problem.command


def test_a_quota_without_limit_is_enough(check, google):
    google.answers["GET", _QUOTA] = quota(-1)
    assert check() == []


@pytest.mark.parametrize("left, kind", [(3, ERROR), (4, WARNING), (39, WARNING)])
def test_too_few_cpus_for_dataflow_are_said(check, google, left, kind):
    google.answers["GET", _REGION] = cpus(100, 100 - left)
    problem = only(check())
    assert problem.kind == kind
    assert f"{left} of the quota CPUS in us-central1 are left" in problem.what


def test_cpus_are_not_looked_at_without_dataflow(check, google):
    google.answers["GET", _REGION] = cpus(0, 0)
    assert check(beam_runner="DirectRunner") == []


def test_what_may_not_be_looked_at_is_not_checked_and_stops_nothing(check, google):
    google.answers.clear()
    google.answers.update({key: 403 for key in (("HEAD", _MANIFEST), ("POST", _ACT_AS))})
    google.answers.update({("GET", path): 403 for path in (_SERVICES, _QUOTA, _REGION)})
    problems = check()
    assert [problem.kind for problem in problems] == [UNKNOWN] * 5
    assert all("(403 " in problem.what for problem in problems)


def test_an_accelerator_that_is_not_in_the_region_is_said_with_regions_that_have_it(vertex):
    elsewhere = dataclasses.replace(
        vertex, region="europe-west1", network_machine=Machine("cloud-tpu", "TPU_V3", 8)
    )
    problem = only(list(accelerators.check(elsewhere)))
    assert problem.kind == ERROR
    assert problem.what == "europe-west1 is no region of TPU_V3; there are europe-west4"


def test_where_the_table_was_not_checked_a_missing_region_is_a_warning(vertex):
    elsewhere = dataclasses.replace(vertex, region="europe-north1", network_machine=T4)
    assert only(list(accelerators.check(elsewhere))).kind == WARNING


def test_an_accelerator_that_the_table_does_not_know_is_a_warning(vertex):
    new = Machine("a3-ultragpu-8g", "NVIDIA_H200_141GB", 8)
    problem = only(list(accelerators.check(dataclasses.replace(vertex, network_machine=new))))
    assert problem.kind == WARNING


def test_a_v5e_host_counts_its_chips():
    assert accelerators.quota_of(Machine("ct5lp-hightpu-4t")) == (
        "aiplatform.googleapis.com/custom_model_training_tpu_v5e",
        4,
    )


@pytest.mark.parametrize(
    "name, expected",
    [
        ("host/a/b", ("host", "a/b", "latest")),
        ("host/a/b:1.2", ("host", "a/b", "1.2")),
        ("host/a/b:1@sha256:00", ("host", "a/b", "sha256:00")),
    ],
)
def test_an_image_has_a_host_a_repository_and_a_reference(name, expected):
    assert image.parts(name) == expected


def test_without_credentials_nothing_is_checked_and_the_login_is_named(
    vertex, config, monkeypatch, tmp_path
):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(InputError, match="gcloud auth application-default login"):
        checks.check(vertex, config, cloud=Cloud(vertex.project, vertex.region))
