"""What is looked at before a submission, asked of stand-ins on this machine."""

import dataclasses
import urllib.parse

import pytest

from pipeline.config import (
    DataConfig,
    TrainConfig,
)
from pipeline.errors import InputError
from pipeline.run_config import PipelineConfig
from pipeline.vertex import accelerators, checks, image
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import ERROR, UNKNOWN, WARNING
from pipeline.vertex.roots import _WRITING
from pipeline.vertex.settings import DataflowConfig, EndpointConfig, Machine

T4 = Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1)
_SERVICES = "/v1/projects/my-project-123/services:batchGet"
_APIS = ("aiplatform", "artifactregistry", "compute", "storage", "dataflow")
_MANIFEST = (
    "/registry/us-central1-docker.pkg.dev/v2/my-project-123/music-genre/pipeline/manifests/1"
)
_WITH_CUDA = "us-central1-docker.pkg.dev/my-project-123/music-genre/pipeline:gpu"
_MEMBER = "serviceAccount:runner@my-project-123.iam.gserviceaccount.com"
_ACCOUNT = f"/v1/projects/-/serviceAccounts/{_MEMBER.partition(':')[2]}"
_ACT_AS, _POLICY = f"{_ACCOUNT}:testIamPermissions", f"{_ACCOUNT}:getIamPolicy"


def _manifest(tag):
    return f"{_MANIFEST.rpartition('/')[0]}/{tag}"


def _quota(metric):
    services = "/v1beta1/projects/my-project-123/services/aiplatform.googleapis.com"
    return f"{services}/consumerQuotaMetrics/{urllib.parse.quote(metric, safe='')}"


def _policy(role):
    return {"version": 3, "bindings": [{"role": role, "members": [_MEMBER]}]}


_METRIC = "aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus"
_QUOTA = _quota(_METRIC)
_TRAINING_CPUS = _quota("aiplatform.googleapis.com/custom_model_training_cpus")
_SERVING_CPUS = _quota("aiplatform.googleapis.com/custom_model_serving_cpus")
_NETWORK = "/compute/v1/projects/my-project-123/global/networks/default"
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
    google.policies["my-bucket"] = _policy("roles/storage.objectAdmin")
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
            ("POST", _POLICY): _policy("roles/iam.serviceAccountUser"),
            ("GET", _QUOTA): quota(4),
            ("GET", _TRAINING_CPUS): quota(1000),
            ("GET", _SERVING_CPUS): quota(1000),
            ("GET", _NETWORK): {"name": "default"},
            ("GET", _REGION): cpus(200, 0),
        }
    )
    yield google
    for file in sorted(google.buckets.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


@pytest.fixture
def check(google, cloud, vertex, config):
    def call(pipeline=config, **changes):
        changed = dataclasses.replace(vertex, network_machine=T4, network_image=_WITH_CUDA)
        return checks.check(dataclasses.replace(changed, **changes), pipeline, cloud=cloud)

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
    google.answers["POST", _ACT_AS] = 404  # of an account that is not named, nothing is asked
    problem = only(check(service_account=""))
    assert problem.kind == ERROR
    assert "storage buckets add-iam-policy-binding gs://my-bucket " in problem.command


def test_that_the_caller_may_not_write_stops_nothing_where_an_account_runs_it(check, google):
    google.permissions.clear()
    problem = only(check())
    assert (problem.kind, problem.what) == (WARNING, "you may not write to gs://my-bucket")


@pytest.mark.parametrize("role", ["roles/storage.objectViewer", "roles/storage.objectCreator"])
def test_an_account_that_its_bucket_does_not_let_write_is_said(check, google, role):
    google.policies["my-bucket"] = _policy(role)
    problem = only(check())
    assert problem.kind == WARNING
    assert "does not let runner@" in problem.what
    assert f"gs://my-bucket --member={_MEMBER} --role=roles/storage.objectAdmin" in problem.command


def test_a_policy_of_a_bucket_that_may_not_be_read_is_not_checked(check, google):
    google.refused["my-bucket/iam"] = 403
    problem = only(check())
    assert problem.kind == UNKNOWN
    assert problem.what.startswith("whether runner@")


def test_what_was_found_of_a_bucket_is_kept_where_the_next_question_is_refused(check, google):
    google.locations["my-bucket"] = "europe-west4"
    google.refused["my-bucket/iam/testPermissions"] = 403
    found = check()
    assert [problem.kind for problem in found] == [ERROR, UNKNOWN]
    assert found[0].what == "gs://my-bucket is in europe-west4, the run in us-central1"


def test_weights_that_are_not_there_are_said(check, google, config):
    named = TrainConfig(mobilenet_weights="/gcs/my-data/weights/w.h5")
    problem = only(check(pipeline=dataclasses.replace(config, train=named)))
    assert (problem.kind, problem.what) == (
        ERROR,
        "there is no gs://my-data/weights/w.h5, which --mobilenet-weights names",
    )
    (google.buckets / "my-data/weights").mkdir()
    (google.buckets / "my-data/weights/w.h5").write_bytes(b"x")
    assert check(pipeline=dataclasses.replace(config, train=named)) == []


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


def test_the_networks_image_is_looked_for_though_the_other_may_not_be(check, google):
    google.answers.update({("HEAD", _MANIFEST): 403, ("HEAD", _manifest("gpu")): 404})
    found = check()
    assert [problem.kind for problem in found] == [UNKNOWN, ERROR]
    assert found[1].what == f"there is no image {_WITH_CUDA}"


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


def test_a_key_of_ones_own_needs_its_api(check):
    key = "projects/my-project-123/locations/us-central1/keyRings/ring/cryptoKeys/key"
    assert only(check(encryption_key=key)).command == (
        "gcloud services enable cloudkms.googleapis.com --project=my-project-123"
    )


def test_a_service_account_that_may_not_be_used_is_said(check, google):
    google.answers["POST", _ACT_AS] = {}
    problem = only(check())
    assert problem.what.startswith("you may not run jobs as runner@")
    assert "--role=roles/iam.serviceAccountUser" in problem.command


def test_a_service_account_that_may_not_run_jobs_as_itself_is_said(check, google):
    google.answers["POST", _POLICY] = _policy("roles/iam.serviceAccountTokenCreator")
    problem = only(check())
    assert problem.kind == WARNING
    assert "may not run jobs as itself" in problem.what
    assert f"--member={_MEMBER} --role=roles/iam.serviceAccountUser" in problem.command


def test_an_account_s_policy_that_may_not_be_read_is_not_checked(check, google):
    google.answers["POST", _POLICY] = 403
    problem = only(check())
    assert problem.kind == UNKNOWN
    assert "may run jobs as itself" in problem.what


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


@pytest.mark.parametrize("limit, kind", [(7, ERROR), (8, WARNING), (71, WARNING)])
def test_too_few_cpus_for_the_models_are_said(check, google, config, limit, kind):
    google.answers["GET", _TRAINING_CPUS] = quota(limit)
    assert len(config.models) == 9
    problem = only(check())
    assert problem.kind == kind
    assert f"is {limit}; a job needs 8, the 9 models at once 72" in problem.what


def test_machines_of_another_family_count_against_a_quota_of_their_own(check, google):
    metric = "aiplatform.googleapis.com/custom_model_training_n2_cpus"
    google.answers["GET", _quota(metric)] = quota(16)
    problem = only(check(classical=Machine("n2-standard-16")))
    assert f"the quota {metric} in us-central1 is 16; a job needs 16, the 5 models" in problem.what


@pytest.mark.parametrize("limit, kind", [(3, ERROR), (4, WARNING), (7, WARNING)])
def test_too_few_cpus_for_the_endpoint_are_said(check, google, limit, kind):
    google.answers["GET", _SERVING_CPUS] = quota(limit)
    assert check() == []
    endpoint = EndpointConfig(machine=Machine("n1-standard-4"), max_replicas=2)
    problem = only(check(endpoint=endpoint))
    assert problem.kind == kind
    assert "the endpoint's replicas need from 4 to 8" in problem.what


def test_a_project_without_the_network_that_dataflow_takes_is_said(check, google, config):
    google.answers["GET", _NETWORK] = 404
    problem = only(check())
    assert problem.kind == ERROR
    assert "--dataflow-subnetwork regions/us-central1/subnetworks/NAME" in problem.what
    subnetwork = DataflowConfig(subnetwork="regions/us-central1/subnetworks/mine")
    assert check(dataflow=subnetwork) == []
    assert check(pipeline=dataclasses.replace(config, beam_args=("--network=mine",))) == []
    assert check(beam_runner="DirectRunner") == []


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
    for path in (_MANIFEST, _manifest("gpu")):
        google.answers["HEAD", path] = 403
    for path in (_ACT_AS, _POLICY):
        google.answers["POST", path] = 403
    for path in (_SERVICES, _QUOTA, _TRAINING_CPUS, _REGION, _NETWORK):
        google.answers["GET", path] = 403
    problems = check()
    assert [problem.kind for problem in problems] == [UNKNOWN] * 8
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
