"""The flags of a run on Vertex AI, and what they configure; standard library only."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from cli import flags as shared_flags
from components.endpoint_deployer.target import EndpointConfig, Machine
from dataset.catalogue import spans
from pipeline import beam_args
from pipeline.config import PipelineConfig
from pipeline.vertex.settings import (
    BEAM_RUNNERS,
    FAILURE_POLICIES,
    DataflowConfig,
    TaskConfig,
    VertexConfig,
)

_NAME = "music-genre"
_IMAGE = "{region}-docker.pkg.dev/{project}/music-genre/pipeline:latest"
_ROOT = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^/]+)*")
# The id of a job adds the time to it, 15 characters, and ends at 128.
_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9-]{0,111}")
_MODES = ("--compile-only", "--submit", "--job")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    parser = shared_flags.Parser(
        prog="vertex_runner.py",
        description="Compile the pipeline for Vertex AI Pipelines, submit it, follow it.",
        formatter_class=shared_flags.HelpFormatter,
        epilog="Exit status: 0 compiled, submitted or, with --wait, pushed; 2 usage or bad input; "
        "3 the gate refused the model; 1 a fault, an outage or a failed job, also where a task of "
        "it found bad input.",
    )
    _add_run(parser)
    group = parser.add_argument_group("data")
    shared_flags.add_archive(group)
    group.add_argument(
        "--pipeline-root", required=True, metavar="gs://…", help="what all tasks write goes here"
    )
    group.add_argument(
        "--serving-model-dir", metavar="gs://…",
        help="blessed models; default: serving_model below the pipeline root",
    )  # fmt: skip
    shared_flags.add_selection(group)
    _add_project(parser)
    _add_dataflow(parser)
    _add_machines(parser)
    _add_endpoint(parser)
    shared_flags.add_models(parser)
    return parser


def names(arguments: Sequence[str], *options: str) -> bool:
    """Returns whether a command line has one of these flags."""
    return any(argument.partition("=")[0] in options for argument in arguments)


def overruled(arguments: Sequence[str]) -> tuple[str, ...]:
    """Returns the flags of a file that are ignored, as the command line says what to do."""
    return _MODES if names(arguments, *_MODES) else ()


def need_no_pipeline(parser: argparse.ArgumentParser) -> None:
    """Lets the flags be left out that a job has been given already, to follow it."""
    for action in parser._actions:
        if action.dest in ("audio_dir", "pipeline_root"):
            action.required = False


def check_together(flags: argparse.Namespace) -> None:
    """Raises ValueError for flags that do not go together."""
    if flags.compile_only and not flags.output:
        raise ValueError("--compile-only needs --output FILE")
    if flags.submit and flags.wait and flags.schedule:
        raise ValueError("--wait follows one run, --schedule starts many: leave one out")


def _add_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("run")
    group.add_argument(
        "--config", metavar="FILE.yaml",
        help="flags by name, without the dashes; those of the command line win",
    )  # fmt: skip
    what = group.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--compile-only", action="store_true", help="write the pipeline to --output, offline"
    )
    what.add_argument("--submit", action="store_true", help="check, compile and submit it")
    what.add_argument(
        "--job", metavar="NAME",
        help="follow a job that was submitted before; only --project and --region are needed",
    )  # fmt: skip
    group.add_argument("--output", metavar="FILE.json", help="where the compiled pipeline goes")
    shared_flags.add_switch(
        group, "--wait",
        help="with --submit: follow the tasks to the verdict; what Google says of failed ones is "
        "printed",
    )  # fmt: skip
    shared_flags.add_switch(
        group, "--cache", default=True,
        help="take what earlier runs computed, else compute everything again",
    )  # fmt: skip
    group.add_argument(
        "--schedule", default="", metavar="CRON",
        help="with --submit: run by this cron expression, such as '0 3 * * 1', instead of now",
    )  # fmt: skip
    group.add_argument(
        "--failure-policy", choices=FAILURE_POLICIES, default="slow",
        help="slow lets independent tasks finish after a failure, fast stops",
    )  # fmt: skip


def _add_project(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Google Cloud")
    group.add_argument("--project", required=True, metavar="ID", help="project id")
    group.add_argument("--region", required=True, metavar="R", help="such as us-central1")
    group.add_argument(
        "--image",
        help=f"of containers and workers; default: {_IMAGE.format(region='R', project='ID')}",
    )
    group.add_argument(
        "--name",
        help="of the pipeline; a model is compared with the last that this pipeline blessed; "
        f"default: {_NAME}, with --push-unservable {_NAME}-unservable",
    )
    group.add_argument(
        "--service-account", default="", metavar="EMAIL",
        help="whom everything runs as; default: Compute Engine's service account",
    )  # fmt: skip
    group.add_argument(
        "--encryption-key", default="", metavar="NAME",
        help="projects/P/locations/R/keyRings/K/cryptoKeys/N; default: Google's own",
    )  # fmt: skip
    group.add_argument(
        "--network", default="", metavar="NAME",
        help="peered VPC of tasks and jobs, projects/NUMBER/global/networks/NAME",
    )  # fmt: skip
    group.add_argument(
        "--labels", type=_labels, default=(), metavar="K=V,K=V…",
        help="of the pipeline and of what it starts",
    )  # fmt: skip


def _add_dataflow(parser: argparse.ArgumentParser) -> None:
    workers = DataflowConfig()
    group = parser.add_argument_group("Beam")
    group.add_argument(
        "--beam-runner", choices=BEAM_RUNNERS, default="DataflowRunner",
        help="where Beam components run: on Dataflow, or inside their own container",
    )  # fmt: skip
    group.add_argument(
        "--dataflow-machine-type", default=workers.machine_type, metavar="TYPE", help="of a worker"
    )
    group.add_argument(
        "--dataflow-max-workers", type=int, default=workers.max_workers, metavar="N",
        help="ceiling of the autoscaling, a component",
    )  # fmt: skip
    group.add_argument(
        "--dataflow-disk-gb", type=int, default=workers.disk_gb, metavar="N", help="of a worker"
    )
    group.add_argument(
        "--dataflow-subnetwork", default="", metavar="NAME",
        help="regions/R/subnetworks/NAME, or its full URL where the VPC is shared",
    )  # fmt: skip
    group.add_argument(
        "--dataflow-no-public-ips", action="store_false", dest="dataflow_public_ips",
        help="workers without external addresses; the subnetwork needs Private Google Access",
    )  # fmt: skip
    group.add_argument(
        "--dataflow-public-ips", action="store_true", default=True,
        help="undoes the flag before, where a file of flags has it",
    )  # fmt: skip
    group.add_argument(
        "--beam-arg", action="append", default=[], metavar="=--flag=VALUE",
        help="a further flag for Beam; may be repeated",
    )  # fmt: skip


def _add_machines(parser: argparse.ArgumentParser) -> None:
    task, machine = TaskConfig(), Machine()
    group = parser.add_argument_group("machines")
    group.add_argument(
        "--classical-machine-type", default=machine.machine_type, metavar="TYPE",
        help="classical models train on it",
    )  # fmt: skip
    group.add_argument(
        "--network-machine-type", default=machine.machine_type, metavar="TYPE",
        help="networks train on it, and are tuned; for TPUs see docs/vertex.md",
    )  # fmt: skip
    group.add_argument(
        "--network-image", default="", metavar="IMAGE",
        help="of the networks' machine: one with CUDA's libraries for a GPU, one with libtpu for a "
        "TPU; default: --image",
    )  # fmt: skip
    group.add_argument(
        "--accelerator-type", default="", metavar="TYPE",
        help="of the networks' machine, by the name of the API, such as NVIDIA_TESLA_T4 or TPU_V3",
    )  # fmt: skip
    group.add_argument(
        "--accelerator-count", type=int, default=1, metavar="N",
        help="number of GPUs, or of the cores of a TPU v2 or v3",
    )  # fmt: skip
    group.add_argument(
        "--tpu-topology", default="", metavar="RxC",
        help="such as 2x2, for a machine type that has its TPU built in",
    )  # fmt: skip
    group.add_argument(
        "--task-cpus", type=int, default=task.cpus, metavar="N",
        help="of the container of every other task",
    )  # fmt: skip
    group.add_argument(
        "--task-memory-gb", type=int, default=task.memory_gb, metavar="N", help="likewise"
    )


def _add_endpoint(parser: argparse.ArgumentParser) -> None:
    endpoint = EndpointConfig()
    group = parser.add_argument_group("endpoint")
    shared_flags.add_switch(group, "--deploy", help="deploy a pushed model to a Vertex AI endpoint")
    group.add_argument(
        "--endpoint-name", default=endpoint.display_name, metavar="NAME",
        help="its display name; made where there is none",
    )  # fmt: skip
    group.add_argument(
        "--endpoint-machine-type", default=endpoint.machine.machine_type, metavar="TYPE",
        help="of a replica",
    )  # fmt: skip
    group.add_argument(
        "--min-replicas", type=int, default=endpoint.min_replicas, metavar="N",
        help="minimum number of replicas",
    )  # fmt: skip
    group.add_argument(
        "--max-replicas", type=int, default=endpoint.max_replicas, metavar="N",
        help="maximum number of replicas",
    )  # fmt: skip
    group.add_argument(
        "--traffic-percent", type=int, default=endpoint.traffic_percent, metavar="N",
        help="share of the new model; below 100 the one before keeps the rest",
    )  # fmt: skip


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for label in filter(None, text.split(",")):
        key, equals, value = label.strip().partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"must be KEY=VALUE, got {label!r}")
        pairs.append((key, value))
    return tuple(pairs)


def vertex_config(flags: argparse.Namespace) -> VertexConfig:
    """Returns where and on what the flags want the pipeline to run.

    Raises:
        ValueError: for values of the endpoint that do not fit together.
    """
    endpoint = EndpointConfig(
        display_name=flags.endpoint_name,
        machine=Machine(flags.endpoint_machine_type),
        min_replicas=flags.min_replicas,
        max_replicas=flags.max_replicas,
        traffic_percent=flags.traffic_percent,
    )
    return VertexConfig(
        project=flags.project,
        region=flags.region,
        image=flags.image or _IMAGE.format(region=flags.region, project=flags.project),
        service_account=flags.service_account,
        encryption_key=flags.encryption_key,
        network=flags.network,
        labels=flags.labels,
        beam_runner=flags.beam_runner,
        dataflow=DataflowConfig(
            machine_type=flags.dataflow_machine_type,
            max_workers=flags.dataflow_max_workers,
            disk_gb=flags.dataflow_disk_gb,
            subnetwork=flags.dataflow_subnetwork,
            public_ips=flags.dataflow_public_ips,
        ),
        task=TaskConfig(flags.task_cpus, flags.task_memory_gb),
        classical=Machine(flags.classical_machine_type),
        network_machine=Machine(
            flags.network_machine_type,
            flags.accelerator_type,
            flags.accelerator_count if flags.accelerator_type else 0,
            flags.tpu_topology,
        ),
        network_image=flags.network_image,
        endpoint=endpoint if flags.deploy else None,
        schedule=flags.schedule,
        failure_policy=flags.failure_policy,
    )


def pipeline_config(flags: argparse.Namespace, vertex: VertexConfig) -> PipelineConfig:
    """Returns the run that the flags describe, without looking at any file.

    Raises:
        ValueError: naming the value that is out of range.
        InputError: for a placeholder in the audio folder that is none of ours.
    """
    audio_dir = _bucket_path("audio_dir", flags.audio_dir)
    root = _bucket_path("pipeline_root", flags.pipeline_root)
    served = _bucket_path("serving_model_dir", flags.serving_model_dir or f"{root}/serving_model")
    for name, folder in (("pipeline_root", root), ("serving_model_dir", served)):
        shared_flags.check_output_path(name, folder)
        if spans.parse(audio_dir).find(folder):
            raise ValueError(f"{name} must be outside of audio_dir {audio_dir}, got {folder!r}")
    return PipelineConfig(
        **shared_flags.configured(
            flags,
            audio_dir=audio_dir,
            metadata_dir=_bucket_path("metadata_dir", flags.metadata_dir, optional=True),
            tracks_csv=_bucket_path("tracks_csv", flags.tracks_csv, optional=True),
            mobilenet_weights=_weights(flags.mobilenet_weights),
        ),
        name=_pipeline_name(flags),
        pipeline_root=root,
        metadata_path="",
        serving_model_dir=served,
        checkpoint_dir=f"{root}/checkpoints",
        bad_files_path=f"{root}/bad_files.csv",
        beam_args=(*beam_args.on_vertex(vertex, f"{root}/dataflow"), *flags.beam_arg),
        enable_cache=flags.cache,
    )


def _pipeline_name(flags: argparse.Namespace) -> str:
    """Returns the name under which Vertex looks for the last blessed model.

    A model that needs more than audio must not be the baseline of one that does not: a run without
    FMA's features does not have what it reads.
    """
    name = flags.name or (f"{_NAME}-unservable" if flags.push_unservable else _NAME)
    if not _PIPELINE_NAME.fullmatch(name):
        raise ValueError(
            "name must be of a-z, 0-9 and -, begin with a letter and have at most 112 characters, "
            f"got {name!r}"
        )
    return str(name)


def _bucket_path(name: str, path: str, *, optional: bool = False) -> str:
    if optional and not path:
        return ""
    path = path.rstrip("/")
    if not _ROOT.fullmatch(path):
        what = "FILE" if name == "tracks_csv" else "FOLDER"
        raise ValueError(f"{name} must be gs://BUCKET/{what}, got {path!r}")
    return path


def _weights(value: str) -> str:
    if value not in ("imagenet", "none") and not value.startswith("/gcs/"):
        raise ValueError(
            "mobilenet_weights must be imagenet, none or /gcs/BUCKET/FILE, as Vertex AI mounts "
            f"buckets, got {value!r}"
        )
    return value
