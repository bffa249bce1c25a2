"""vertex_runner.py as users meet it: flags, a YAML file, one line where they are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vertex_runner
from components.endpoint_deployer.target import EndpointConfig, Machine
from pipeline.config import PipelineConfig
from pipeline.vertex.settings import DataflowConfig, VertexConfig
from tests.cli.refusals import ROOT, heavy_imports, refusal

NEEDED = {
    "project": "my-project",
    "region": "us-central1",
    "pipeline-root": "gs://bucket/root",
    "audio-dir": "gs://bucket/audio",
    "metadata-dir": "gs://bucket/metadata",
}
FLAGS = [f"--{name}={value}" for name, value in NEEDED.items()]
COMPILE = ["--compile-only", "--output=pipeline.json"]

Refuse = Callable[..., str]
Write = Callable[..., str]


@pytest.fixture
def refuse(capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Return a run of the command that returns the line with which it refuses its flags."""
    return lambda *flags: refusal(capfd, vertex_runner.main, *flags)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a writer of a YAML file of lines, by default after the needed ones, as a flag."""

    def to_file(*lines: str, needed: bool = True) -> str:
        first = [f"{name}: {value}" for name, value in NEEDED.items()] if needed else []
        (tmp_path / "run.yaml").write_text("\n".join([*first, *lines]))
        return f"--config={tmp_path}/run.yaml"

    return to_file


def configs(*flags: str) -> tuple[PipelineConfig, VertexConfig]:
    """Return what a command line configures."""
    parsed = vertex_runner.parse([*COMPILE, *flags])
    assert parsed.pipeline
    return parsed.pipeline, parsed.vertex


@pytest.mark.parametrize(
    ("flag", "status"), [("--help", 0), ("--colour", 2), ("--config=/no/such", 2)]
)
def test_help_and_bad_flags_import_nothing_heavy(flag: str, status: int) -> None:
    assert heavy_imports("vertex_runner.py", *FLAGS, *COMPILE, flag)[:2] == (status, set())


def test_help_does_not_show_former_names() -> None:
    said = heavy_imports("vertex_runner.py", "--help")[2]
    assert "--no-dataflow-public-ips" in said
    assert "--dataflow-no-public-ips" not in said


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--pipeline-root=/data", "--pipeline-root must be gs://BUCKET/FOLDER, got '/data'"),
        ("--serving-model-dir=s3://b/m", "--serving-model-dir must be gs://BUCKET/FOLDER, got"),
        ("--pipeline-root=gs://bucket/r[1]", "--pipeline-root must not have * ? [ or"),
        ("--serving-model-dir=gs://bucket/audio", "--serving-model-dir must be outside of --audio"),
        ("--audio-dir=gs://bucket/{VERSION}", "the audio folder gs://bucket/{VERSION} has "),
        ("--labels=team", "--labels must be KEY=VALUE, got 'team'"),
        ("--mobilenet-weights=w.h5", "--mobilenet-weights must be imagenet, none or /gcs/BUCKET/"),
        (f"--name={'g' * 113}", "--name must be of a-z, 0-9 and -, begin with a letter"),
        ("--min-replicas=2", "--max-replicas must be at least min_replicas = 2, got 1"),
        ("--endpoint-name=My genres", "--endpoint-name must be of a-z, 0-9 and -, begin with"),
        ("--submit", "give one of --compile-only, --submit and --job"),
    ],
)
def test_bad_flags(refuse: Refuse, flag: str, expected: str) -> None:
    assert refuse(*FLAGS, *COMPILE, flag).startswith(expected)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], "give one of --compile-only, --submit and --job"),
        (["--compile-only"], "--compile-only needs --output FILE"),
        (["--submit", "--wait", "--schedule=0 3 * * 1"], "--wait follows one run, --schedule"),
    ],
)
def test_flags_that_do_not_go_together(refuse: Refuse, flags: list[str], expected: str) -> None:
    assert refuse(*FLAGS, *flags).startswith(expected)


def test_a_folder_that_cannot_be_written(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = f"--output={tmp_path}/no/such/file.json"
    assert vertex_runner.main([*FLAGS, "--models=svm", "--compile-only", output]) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith("vertex_runner.py: error: cannot write --output ")


def test_what_follows_from_the_needed_flags() -> None:
    config, vertex = configs(*FLAGS)
    assert vertex == VertexConfig(
        "my-project",
        "us-central1",
        "us-central1-docker.pkg.dev/my-project/music-genre/pipeline:latest",
    )
    assert (config.name, config.metadata_path) == ("music-genre", "")
    assert config.data.audio_dir == "gs://bucket/audio"
    assert config.serving_model_dir == "gs://bucket/root/serving_model"
    assert config.checkpoint_dir == "gs://bucket/root/checkpoints"
    assert config.bad_files_path == "gs://bucket/root/bad_files.csv"
    assert "--temp_location=gs://bucket/root/dataflow/temp" in config.beam_args
    assert config.enable_cache


def test_flags_arrive() -> None:
    config, vertex = configs(
        *FLAGS, "--pipeline-root=gs://bucket/other/", "--serving-model-dir=gs://served/m",
        "--no-cache",
        "--labels=team=music,stage=test", "--classical-machine-type=n1-highmem-16",
        "--network-machine-type=cloud-tpu", "--accelerator-type=TPU_V3", "--accelerator-count=8",
        "--dataflow-max-workers=7", "--no-dataflow-public-ips", "--beam-arg=--experiments=x",
        "--deploy", "--traffic-percent=10", "--endpoint-name=genres", "--failure-policy=fast",
        "--mobilenet-weights=/gcs/bucket/weights.h5", "--models=svm,mobilenet_v2", "--subset=full",
    )  # fmt: skip
    assert config.pipeline_root == "gs://bucket/other"
    assert config.serving_model_dir == "gs://served/m"
    assert not config.enable_cache
    assert config.models == ("svm", "mobilenet_v2")
    assert config.data.subset == "full"
    assert config.train.mobilenet_weights == "/gcs/bucket/weights.h5"
    assert config.beam_args[-1] == "--experiments=x"
    assert vertex.labels == (("team", "music"), ("stage", "test"))
    assert vertex.classical == Machine("n1-highmem-16")
    assert vertex.network_machine == Machine("cloud-tpu", "TPU_V3", 8)
    assert vertex.dataflow == DataflowConfig(max_workers=7, public_ips=False)
    assert vertex.endpoint == EndpointConfig("genres", traffic_percent=10)
    assert vertex.failure_policy == "fast"


def test_an_unservable_model_is_no_baseline_for_a_servable_one() -> None:
    assert configs(*FLAGS, "--push-unservable")[0].name == "music-genre-unservable"
    assert configs(*FLAGS, "--push-unservable", "--name=mine")[0].name == "mine"


def test_a_yaml_file_says_the_same_as_flags(write: Write) -> None:
    file = write(
        "models: [svm, cnn1d]", "labels: {team: music, stage: 1}", "no-cache: true", "span: 3",
        "push-unservable: false", "epochs:", "min-accuracy: 0.4", "beam-arg: [--a=b, --c]",
        "augmentation: false", "deploy: true", "dataflow-no-public-ips: true", "tune: cnn1d",
        "split: artist-hash",
    )  # fmt: skip
    flags = [
        "--models=svm,cnn1d", "--labels=team=music,stage=1", "--no-cache", "--min-accuracy=0.4",
        "--span=3", "--beam-arg=--a=b", "--beam-arg=--c", "--deploy", "--dataflow-no-public-ips",
        "--no-augmentation", "--tune=cnn1d", "--split=artist-grouped",
    ]  # fmt: skip
    assert configs(file) == configs(*FLAGS, *flags) != configs(*FLAGS)


def test_the_command_line_wins_over_the_file(write: Write) -> None:
    file = write("labels: {team: music}", "epochs: 3", "genre: Rock")
    config, vertex = configs(file, "--project=another-project", "--labels=a=b", "--genre=Folk")
    assert (vertex.project, vertex.labels) == ("another-project", (("a", "b"),))
    assert (config.train.epochs, config.data.genres) == (3, ("Folk",))


def test_the_command_line_turns_off_what_the_file_turns_on(write: Write) -> None:
    switches = ["no-cache", "deploy", "no-augmentation", "push-unservable", "wait"]
    file = write(*(f"{name}: true" for name in (*switches, "dataflow-no-public-ips")))
    undone = [
        "--cache", "--no-deploy", "--augmentation", "--no-push-unservable", "--no-wait",
        "--dataflow-public-ips",
    ]  # fmt: skip
    assert configs(file, *undone) == configs(*FLAGS)


def test_the_file_says_what_to_do_where_the_command_line_does_not(write: Write) -> None:
    assert vertex_runner.parse([write("submit: true")]).run.submit
    run, _, pipeline = vertex_runner.parse([write("job: music-genre-20261125010203"), "--submit"])
    assert (run.submit, run.compile_only, run.job) == (True, False, "")
    assert pipeline and pipeline.data.audio_dir == "gs://bucket/audio"


def test_a_job_is_followed_with_nothing_but_its_place() -> None:
    request = vertex_runner.parse(["--job=j", "--project=my-project", "--region=us-central1"])
    assert (request.run.job, request.pipeline) == ("j", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour: red", "/run.yaml: there is no flag 'colour'"),
        ("config: other.yaml", ": there is no flag 'config'"),
        ("epoch: 3", ": there is no flag 'epoch'"),
        ("no-cache: 1", "argument --cache/--no-cache: ignored explicit argument '1'"),
        ("epochs: many", "--epochs should be a valid integer"),
        ("epochs: 1.5", "--epochs should be a valid integer"),
        ("beam-runner: Flink", "--beam-runner should be 'DataflowRunner' or 'DirectRunner'"),
        ("labels: [team]", "--labels must be KEY=VALUE, got 'team'"),
        ("- project", " must hold the flags as `name: value`, got"),
        ("project: [", "cannot read the configuration "),
    ],
)
def test_a_wrong_yaml_file(refuse: Refuse, write: Write, text: str, expected: str) -> None:
    file = write(text, needed=False)
    needed = [] if "project" in text else FLAGS
    assert expected in refuse(file, *COMPILE, *needed)


def test_the_public_command_compiles_offline_to_the_same_bytes(tmp_path: Path) -> None:
    # In processes whose sets are in another order, and which can neither connect nor log in.
    script = """
import socket, sys
def refuse(*_, **__):
    raise AssertionError("the network was asked for")
socket.getaddrinfo = socket.socket.connect = refuse
import vertex_runner
sys.exit(vertex_runner.main(sys.argv[1:]))
"""
    outputs = []
    for seed in ("1", "2"):
        output = tmp_path / f"{seed}.json"
        flags: list[Any] = [*FLAGS, "--compile-only", "--output", output]
        done = subprocess.run(
            [sys.executable, "-c", script, *flags],
            cwd=ROOT, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"compiled to {output}\n")
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]
    job = json.loads(outputs[0])
    assert job["runtimeConfig"] == {"gcsOutputDirectory": "gs://bucket/root"}
