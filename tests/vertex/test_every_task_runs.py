"""Every task of the compiled pipeline, as Vertex AI runs it: a process each, to a pushed model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

import corpus
import vertex_runner
from models.registry import NETWORKS
from tests.components.endpoint_deployer.vertex_server import VertexServer
from tests.grpc_stand_in import serving
from tests.vertex.harness.bucket import Buckets
from tests.vertex.harness.container import Image, install
from tests.vertex.harness.job_service import JobService
from tests.vertex.harness.pipeline_service import PipelineService, Run
from tests.vertex.harness.spec import read_job

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
IMAGE = "us-central1-docker.pkg.dev/my-project/music-genre/pipeline:1"
# The smallest corpus there is: six clips a genre.
SPEC = corpus.CorpusSpec(clips_per_genre=6, clip_seconds=2.0)
MODELS = ("gaussian_nb", "cnn1d")
TUNED = ("--tune", "cnn1d", "--tuner-trials", "1", "--tuner-epochs", "1")
# So few clips of so short a length say nothing about a model: the gate is to let it through.
LENIENT = (
    "--min-accuracy", "0", "--min-macro-f1", "0", "--min-genre-recall", "0",
    "--max-drop", "1", "--max-genre-drop", "1", "--max-credible-accuracy", "1",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A project: its buckets and what it runs."""

    folder: Path
    buckets: Buckets
    jobs: JobService
    endpoints: VertexServer
    pipelines: PipelineService

    def compile(self, *flags: str) -> Path:
        """Return the file of the pipeline that the command line compiles."""
        output = self.folder / f"pipeline-{len(list(self.folder.glob('pipeline-*')))}.json"
        arguments = [
            "--compile-only", "--output", str(output),
            "--project", "my-project", "--region", "us-central1", "--image", IMAGE,
            "--pipeline-root", "gs://bucket/pipeline",
            "--audio-dir", "gs://music/fma_small", "--metadata-dir", "gs://music/fma_metadata",
            "--beam-runner", "DirectRunner", "--task-cpus", "1",
            "--clip-seconds", "2", "--max-bad-fraction", "0.2", "--epochs", "1",
            *LENIENT, *flags,
        ]  # fmt: skip
        assert vertex_runner.main(arguments) == 0
        return output

    def versions(self) -> list[Path]:
        return sorted(self.buckets.path("gs://bucket/pipeline/serving_model").iterdir())


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    buckets = Buckets(folder / "buckets")
    corpus.write_corpus(SPEC, buckets.path("gs://music"))
    home = folder / "home"
    home.mkdir()
    image = Image(IMAGE, install(ROOT, folder / "image"), home)
    jobs = JobService(image, folder / "logs")
    endpoints = VertexServer()
    with serving(*jobs.handlers(), *endpoints.handlers()) as address:
        image = dataclasses.replace(image, environment={"LOOPBACK_VERTEX_AI": address})
        pipelines = PipelineService(image, buckets, folder / "logs")
        yield Cloud(folder, buckets, jobs, endpoints, pipelines)


@pytest.fixture(scope="module")
def spec(cloud: Cloud) -> Path:
    return cloud.compile("--models", ",".join(MODELS), *TUNED, "--deploy")


@pytest.fixture(scope="module")
def first(cloud: Cloud, spec: Path) -> Run:
    return cloud.pipelines.run(read_job(spec))


@pytest.fixture(scope="module")
def best(first: Run) -> str:
    return str(first.artifact("Refit", "model").metadata["model_name"])


@pytest.fixture(scope="module")
def other(best: str) -> str:
    """Return a model that was not the best of the first run."""
    return next(name for name in MODELS if name != best)


@pytest.fixture(scope="module")
def second(cloud: Cloud, other: str) -> Run:
    """Return a run without an endpoint, of the other model alone."""
    tuned = TUNED if other in NETWORKS else ()
    return cloud.pipelines.run(read_job(cloud.compile("--models", other, *tuned)))


def test_every_task_has_run(first: Run, spec: Path) -> None:
    tasks = read_job(spec).tasks
    assert set(first.outputs) == {task.name for task in tasks}
    containers = {task.name for task in tasks if "container" in task.executor}
    assert set(first.executor_inputs) == containers
    assert not first.cached
    assert {
        "Tuner-cnn1d",
        "Trainer-cnn1d",
        "Trainer-gaussian-nb",
        "Refit",
        "AtomicPusher",
        "EndpointDeployer",
    } <= containers


def test_a_first_run_has_no_baseline(first: Run) -> None:
    given = first.executor_inputs["Evaluator"]["inputs"]["artifacts"]
    assert given["baseline_model"] == {"artifacts": []}
    blessing = first.artifact("Evaluator", "blessing").metadata
    assert blessing["blessed"] == 1
    assert blessing["current_model_id"] == first.artifact("Refit", "model").name
    assert "baseline_model_id" not in blessing


def test_models_train_in_custom_jobs(first: Run, cloud: Cloud) -> None:
    jobs = {job.display_name: job for job in cloud.jobs.jobs}
    assert set(jobs) == {"Tuner-cnn1d", "Trainer-cnn1d", "Trainer-gaussian-nb", "Refit"}
    for job in jobs.values():
        assert job.name.startswith("projects/my-project/locations/us-central1/")
        assert job.state.name == "JOB_STATE_SUCCEEDED"


def test_every_model_was_trained(first: Run, cloud: Cloud, best: str) -> None:
    uri = first.artifact("CandidateRanker", "leaderboard").uri
    board = json.loads(cloud.buckets.path(uri).joinpath("leaderboard.json").read_text())
    assert board["best"] == best
    trained = {entry["name"]: entry for entry in board["models"]}
    assert {name: trained[name]["status"] for name in MODELS} == dict.fromkeys(MODELS, "trained")
    assert trained["cnn1d"]["hyperparameters"]  # they are the Tuner's


def test_the_pushed_model_classifies_a_clip(first: Run, cloud: Cloud) -> None:
    pushed = first.artifact("AtomicPusher", "pushed_model").metadata
    assert pushed["pushed"] == 1
    version = cloud.buckets.path(pushed["pushed_destination"])
    assert version == cloud.versions()[0]
    model = tf.saved_model.load(str(version))
    track = next(track for track in corpus.build_catalogue(SPEC) if track.fault is None)
    wav = cloud.buckets.path(f"gs://music/fma_small/{track.file_name}").read_bytes()
    got = model.signatures["predict_wav"](wav=tf.constant([wav]))
    assert {name.decode() for name in got["classes"].numpy()[0]} == set(corpus.GENRES)
    assert got["scores"].numpy().sum() == pytest.approx(1, abs=1e-5)


def test_the_report_knows_its_run_and_the_verdict(first: Run, cloud: Cloud, best: str) -> None:
    uri = first.artifact("GenreReport", "report").uri
    report = json.loads(cloud.buckets.path(uri).joinpath("report.json").read_text())
    assert report["best"] == best
    assert report["blessed"] is True
    assert report["provenance"]["run_id"] == uri.split("/")[-3]
    assert {source["id"] for source in report["provenance"]["sources"]} == {None}
    page = cloud.buckets.path(first.artifact("GenreReport", "page").uri).read_text()
    assert f"Blessed:</span> {best}" in page


def test_bad_files_are_listed_where_the_user_looks(first: Run, cloud: Cloud) -> None:
    listed = cloud.buckets.path("gs://bucket/pipeline/bad_files.csv")
    lines = listed.read_text().splitlines()[1:]
    assert {int(line.split(",")[1]) for line in lines} == set(corpus.planted_faults(SPEC))


def test_the_pushed_model_is_deployed(first: Run, cloud: Cloud) -> None:
    ((name, endpoint),) = cloud.endpoints.endpoints.items()
    ((model, (version,)),) = cloud.endpoints.models.items()
    pushed = first.artifact("AtomicPusher", "pushed_model").metadata
    assert version.artifact_uri == pushed["pushed_destination"]
    assert version.artifact_uri.startswith("gs://bucket/pipeline/serving_model/")
    (serving_model,) = endpoint.deployed_models
    assert dict(endpoint.traffic_split) == {serving_model.id: 100}
    record = first.artifact("EndpointDeployer", "deployment")
    assert record.metadata["deployed"] == 1
    text = cloud.buckets.path(record.uri).joinpath("deployment.json").read_text()
    assert json.loads(text)["endpoint"] == name
    assert json.loads(text)["model"] == f"{model}@1"


def test_a_second_run_computes_only_what_has_changed(second: Run, other: str) -> None:
    computed = set(second.executor_inputs) - second.cached
    # The other model reads another feature than both together, so Transform has run again.
    training = {"gaussian_nb": {"Trainer-gaussian-nb"}, "cnn1d": {"Tuner-cnn1d", "Trainer-cnn1d"}}
    judging = {"CandidateRanker", "Refit", "Evaluator", "AtomicPusher", "GenreReport"}
    assert computed == {"Transform"} | training[other] | judging


def test_the_blessed_model_is_what_the_next_is_held_against(
    first: Run, second: Run, cloud: Cloud
) -> None:
    baseline = first.artifact("Refit", "model")
    assert second.artifact("LatestBlessedModel-model-resolver", "model") is baseline
    blessing = second.artifact("Evaluator", "blessing").metadata
    assert blessing["baseline_model_id"] == baseline.name
    assert blessing["current_model_id"] == second.artifact("Refit", "model").name
    assert blessing["blessed"] == 1
    pushed = second.artifact("AtomicPusher", "pushed_model").metadata
    assert [path.name for path in cloud.versions()][1:] == [pushed["pushed_version"]]
