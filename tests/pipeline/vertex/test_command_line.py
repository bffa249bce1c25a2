"""vertex_runner.py as users meet it: flags, a YAML file, one line where they are wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vertex_runner
from components.endpoint_deployer.target import EndpointConfig, Machine
from pipeline.config import PipelineConfig
from pipeline.vertex.settings import DataflowConfig, VertexConfig

ROOT = Path(vertex_runner.__file__).parent
HEAVY = (
    "tensorflow",
    "tfx",
    "apache_beam",
    "pandas",
    "numpy",
    "rich",
    "kfp",
    "google.cloud.aiplatform",
)
NEEDED = {
    "project": "my-project",
    "region": "us-central1",
    "pipeline-root": "gs://bucket/root",
    "audio-dir": "gs://bucket/audio",
    "metadata-dir": "gs://bucket/metadata",
}
FLAGS = [f"--{name}={value}" for name, value in NEEDED.items()]
COMPILE = ["--compile-only", "--output=pipeline.json"]

Capture = pytest.CaptureFixture[str]


def configs(*flags: str) -> tuple[PipelineConfig, VertexConfig]:
    """Return what a command line configures."""
    parsed = vertex_runner.parse([*FLAGS, *COMPILE, *flags])
    return parsed.pipeline, parsed.vertex


def refusal(capfd: Capture, *flags: str) -> str:
    """Return the line with which the command refuses its flags."""
    with pytest.raises(SystemExit) as stop:
        vertex_runner.main(list(flags))
    out, err = capfd.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1), out + err
    return err.rstrip().split(": error: ", 1)[1]


@pytest.mark.parametrize(
    ("flags", "status"), [(["--help"], 0), (["--colour"], 2), (["--config=/no/such"], 2)]
)
def test_help_and_bad_flags_import_nothing_heavy(flags: list[str], status: int) -> None:
    script = f"""
import json, sys
import vertex_runner
try:
    vertex_runner.main({[*FLAGS, *COMPILE, *flags]!r})
except SystemExit as stop:
    print()
    print(json.dumps([stop.code, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [status, []]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--pipeline-root=/data", "pipeline_root must be gs://BUCKET/FOLDER, got '/data'"),
        ("--audio-dir=audio", "audio_dir must be gs://BUCKET/FOLDER, got 'audio'"),
        ("--metadata-dir=gs://", "metadata_dir must be gs://BUCKET/FOLDER, got 'gs:'"),
        ("--serving-model-dir=s3://b/m", "serving_model_dir must be gs://BUCKET/FOLDER, got"),
        ("--pipeline-root=gs://bucket/r[1]", "pipeline_root must not have * ? [ or"),
        ("--serving-model-dir=gs://bucket/m?", "serving_model_dir must not have * ? [ or"),
        ("--pipeline-root=gs://bucket/audio/root", "pipeline_root must be outside of audio_dir"),
        ("--serving-model-dir=gs://bucket/audio", "serving_model_dir must be outside of audio_dir"),
        (
            "--audio-dir=gs://bucket/{VERSION}",
            "the audio folder gs://bucket/{VERSION} has {VERSION}",
        ),
        ("--labels=team", "argument --labels: must be KEY=VALUE, got 'team'"),
        ("--mobilenet-weights=w.h5", "mobilenet_weights must be imagenet, none or /gcs/BUCKET/"),
        ("--name=Genre", "name must be of a-z, 0-9 and -, begin with a letter and have at most 11"),
        (f"--name={'g' * 113}", "name must be of a-z, 0-9 and -, begin with a letter"),
        ("--min-replicas=2", "min_replicas must be from 1 to max_replicas, got 2 and 1"),
        ("--traffic-percent=101", "traffic_percent must be from 0 to 100, got 101"),
        ("--endpoint-name=My genres", "endpoint_name must be of a-z, 0-9 and -, begin with"),
        ("--min-accuracy=2", "min_accuracy must be in [0, 1], got 2.0"),
        ("--submit", "argument --submit: not allowed with argument --compile-only"),
        ("--colour", "unrecognized arguments: --colour"),
        ("--acc=1", "unrecognized arguments: --acc=1"),
    ],
)
def test_bad_flags(capfd: Capture, flag: str, expected: str) -> None:
    message = refusal(capfd, *FLAGS, *COMPILE, flag)
    assert message.startswith(expected)
    assert message.endswith("(see --help)")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], "one of the arguments --compile-only --submit --job is required"),
        (["--compile-only"], "--compile-only needs --output FILE"),
        (["--submit", "--wait", "--schedule=0 3 * * 1"], "--wait follows one run, --schedule"),
    ],
)
def test_flags_that_do_not_go_together(capfd: Capture, flags: list[str], expected: str) -> None:
    assert refusal(capfd, *FLAGS, *flags).startswith(expected)


def test_a_folder_that_cannot_be_written(capfd: Capture, tmp_path: Path) -> None:
    flags = [*FLAGS, "--models=svm", "--compile-only", f"--output={tmp_path}/no/such/file.json"]
    assert vertex_runner.main(flags) == 2
    assert capfd.readouterr().err.splitlines()[-1] == (
        f"vertex_runner.py: error: cannot write --output {tmp_path}/no/such/file.json: "
        "No such file or directory"
    )


def test_what_follows_from_the_needed_flags() -> None:
    config, vertex = configs()
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
        "--pipeline-root=gs://bucket/other/", "--serving-model-dir=gs://served/m", "--no-cache",
        "--labels=team=music,stage=test", "--classical-machine-type=n1-highmem-16",
        "--network-machine-type=cloud-tpu", "--accelerator-type=TPU_V3", "--accelerator-count=8",
        "--dataflow-max-workers=7", "--dataflow-no-public-ips", "--beam-arg=--experiments=x",
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
    assert configs("--push-unservable")[0].name == "music-genre-unservable"
    assert configs("--push-unservable", "--name=mine")[0].name == "mine"


def from_yaml(folder: Path, text: str, *flags: str) -> tuple[PipelineConfig, VertexConfig]:
    """Return what a YAML file and flags configure."""
    (folder / "run.yaml").write_text(text)
    parsed = vertex_runner.parse([f"--config={folder}/run.yaml", *COMPILE, *flags])
    return parsed.pipeline, parsed.vertex


def test_a_yaml_file_says_the_same_as_flags(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    lines += [
        "models: [svm, cnn1d]", "labels: {team: music, stage: test}", "no-cache: true",
        "push-unservable: false", "epochs:", "min-accuracy: 0.4", "beam-arg: [--a=b, --c]",
        "deploy: true", "dataflow-no-public-ips: true",
    ]  # fmt: skip
    flags = [
        "--models=svm,cnn1d", "--labels=team=music,stage=test", "--no-cache", "--min-accuracy=0.4",
        "--beam-arg=--a=b", "--beam-arg=--c", "--deploy", "--dataflow-no-public-ips",
    ]  # fmt: skip
    assert from_yaml(tmp_path, "\n".join(lines)) == configs(*flags)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    text = "\n".join([*lines, "labels: {team: music}", "epochs: 3"])
    config, vertex = from_yaml(tmp_path, text, "--project=another-project", "--labels=a=b")
    assert (vertex.project, vertex.labels) == ("another-project", (("a", "b"),))
    assert config.train.epochs == 3


def test_the_command_line_turns_off_what_the_file_turns_on(tmp_path: Path) -> None:
    switches = ["no-cache", "deploy", "no-augmentation", "push-unservable", "wait"]
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    lines += [f"{name}: true" for name in (*switches, "dataflow-no-public-ips")]
    undone = [
        "--cache", "--no-deploy", "--augmentation", "--no-push-unservable", "--no-wait",
        "--dataflow-public-ips",
    ]  # fmt: skip
    assert from_yaml(tmp_path, "\n".join(lines), *undone) == configs()


def test_a_file_may_have_the_former_name_of_a_split_policy(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    config, _ = from_yaml(tmp_path, "\n".join([*lines, "split: artist-hash"]))
    assert config.data.split == "artist-grouped"


def test_a_file_turns_off_what_is_on(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    text = "\n".join([*lines, "cache: false", "augmentation: false", "deploy: false"])
    expected = configs("--no-cache", "--no-augmentation")
    assert from_yaml(tmp_path, text) == expected != configs()


@pytest.mark.parametrize("mode", ["compile-only: true", "job: music-genre-20261125010203"])
def test_what_the_command_line_says_to_do_counts_and_not_the_file(
    tmp_path: Path, mode: str
) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    (tmp_path / "run.yaml").write_text("\n".join([*lines, mode]))
    flags = vertex_runner.parse([f"--config={tmp_path}/run.yaml", "--submit"])
    assert (flags.submit, flags.compile_only, flags.job) == (True, False, None)
    assert flags.pipeline.data.audio_dir == "gs://bucket/audio"


def test_a_file_of_a_scheduled_run_can_be_compiled(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    text = "\n".join([*lines, "submit: true", "schedule: '0 3 * * 1'", "wait: true"])
    assert from_yaml(tmp_path, text) == configs("--schedule=0 3 * * 1")


def test_the_file_says_what_to_do_where_the_command_line_does_not(tmp_path: Path) -> None:
    lines = [f"{name}: {value}" for name, value in NEEDED.items()]
    (tmp_path / "run.yaml").write_text("\n".join([*lines, "submit: true"]))
    assert vertex_runner.parse([f"--config={tmp_path}/run.yaml"]).submit


def test_a_job_is_followed_with_nothing_but_its_place() -> None:
    flags = vertex_runner.parse(["--job=j", "--project=my-project", "--region=us-central1"])
    assert (flags.job, flags.pipeline) == ("j", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour: red", "there is no flag 'colour'"),
        ("config: other.yaml", "there is no flag 'config'"),
        ("epoch: 3", "there is no flag 'epoch'"),
        ("no-cache: 1", "no-cache must be true or false, got 1"),
        ("project: true", "project needs a value, got true"),
        ("- project", "must hold the flags as `name: value`, a line each"),
        ("project: [", "cannot read the configuration"),
    ],
)
def test_a_wrong_yaml_file(capfd: Capture, tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    message = refusal(capfd, f"--config={path}", *COMPILE)
    assert expected in message
    assert str(path) in message


def test_a_value_of_a_yaml_file_is_checked_like_a_flag(capfd: Capture, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("epochs: many")
    message = refusal(capfd, f"--config={path}", *FLAGS, *COMPILE)
    assert message.startswith("argument --epochs: invalid int value: 'many'")


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
