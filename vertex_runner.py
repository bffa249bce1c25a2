#!/usr/bin/env python
"""Compiles the pipeline for Vertex AI Pipelines; submits it, or follows it, only when told to.

Exit status: 0 compiled, submitted or, with --wait, pushed, 2 usage or bad input, 3 the gate refused
the model, 1 a fault, an outage or a failed job, 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from cli.flags import Command, build, check_output_path, pipeline_config
from common.config import Config, Flag, require
from common.errors import InputError
from common.terminal import replace_unencodable
from dataset.catalogue import spans
from pipeline import beam_args
from pipeline.config import PipelineConfig
from pipeline.vertex.settings import IMAGE, VertexConfig

_ROOT = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^/]+)*")
# The id of a job adds the time to it, 15 characters, and ends at 128.
_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9-]{0,111}")
_MODES = {"compile-only", "submit", "job"}


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """What the command does, and where the pipeline writes."""

    config: Annotated[
        str, Flag("flags by name, without the dashes; those of the command line win", "FILE.yaml")
    ] = ""
    compile_only: Annotated[bool, Flag("write the pipeline to --output, offline")] = False
    submit: Annotated[bool, Flag("check, compile and submit the pipeline")] = False
    job: Annotated[
        str,
        Flag("follow a job that was submitted before; needs only --project and --region", "NAME"),
    ] = ""
    output: Annotated[str, Flag("file that the compiled pipeline is written to", "FILE.json")] = ""
    wait: Annotated[
        bool,
        Flag(
            "with --submit: follow the tasks to the verdict; what Google says of failed ones is "
            "printed"
        ),
    ] = False
    name: Annotated[
        str,
        Flag(
            "name of the pipeline, whose last blessed model a new one is compared with; default: "
            "music-genre, with --push-unservable music-genre-unservable", group="Google Cloud",
        ),
    ] = ""  # fmt: skip
    pipeline_root: Annotated[
        str, Flag("folder that all tasks write to (required)", "gs://…", group="data")
    ] = ""
    serving_model_dir: Annotated[
        str,
        Flag("blessed models; default: serving_model in --pipeline-root", "gs://…", group="data"),
    ] = ""
    beam_arg: Annotated[
        tuple[str, ...],
        Flag(
            "a further flag for Beam; may be repeated", "=--flag=VALUE", group="Beam",
            repeated=True,
        ),
    ] = ()  # fmt: skip
    deploy: Annotated[
        bool, Flag("deploy a pushed model to a Vertex AI endpoint", group="endpoint")
    ] = False

    def __post_init__(self) -> None:
        """Raises ValueError for flags that do not go together."""
        super().__post_init__()
        if sum(map(bool, (self.compile_only, self.submit, self.job))) != 1:
            raise ValueError("give one of --compile-only, --submit and --job")
        if self.compile_only and not self.output:
            raise ValueError("--compile-only needs --output FILE")


COMMAND = Command(
    RunConfig,
    PipelineConfig,
    VertexConfig,
    prog="vertex_runner.py",
    usage="%(prog)s [--config FILE.yaml] (--compile-only --output FILE | --submit | --job NAME) …",
    description="Compile the pipeline for Vertex AI Pipelines, submit it, follow it.",
    epilog="Exit status: 0 compiled, submitted or, with --wait, pushed; 2 usage or bad input; "
    "3 the gate refused the model; 1 a fault, an outage or a failed job, also where a task of "
    "it found bad input; 130 interrupted.",
)


class Request(NamedTuple):
    """What a command line asks for; there is no pipeline where a job is followed."""

    run: RunConfig
    vertex: VertexConfig
    pipeline: PipelineConfig | None


def parse(arguments: Sequence[str] | None) -> Request:
    """Returns what a command line and, below it, its YAML file ask for; ends where it is wrong."""
    given = COMMAND.parse(arguments)
    try:
        if path := given.get("config"):
            said = {*given, *(_MODES if given.keys() & _MODES else ())}
            given = COMMAND.parse(COMMAND.read(path, unless=said)) | given
        run = build(given, RunConfig)
        vertex = _vertex(given, run)
        return Request(run, vertex, None if run.job else _pipeline(given, run, vertex))
    except (ValueError, InputError) as error:
        COMMAND.parser.error(str(error))


def _vertex(given: Mapping[str, Any], run: RunConfig) -> VertexConfig:
    vertex = build(given, VertexConfig)
    if run.submit and run.wait and vertex.schedule:
        raise ValueError("--wait follows one run, --schedule starts many: leave one out")
    image = vertex.image or IMAGE.format(region=vertex.region, project=vertex.project)
    endpoint = vertex.endpoint if run.deploy else None
    return dataclasses.replace(vertex, image=image, endpoint=endpoint)


def _pipeline(given: Mapping[str, Any], run: RunConfig, vertex: VertexConfig) -> PipelineConfig:
    root = _in_bucket("--pipeline-root", run.pipeline_root)
    served = _in_bucket("--serving-model-dir", run.serving_model_dir or f"{root}/serving_model")
    config = pipeline_config(
        given,
        path=_in_bucket,
        weights=_weights,
        pipeline_root=root,
        metadata_path="",
        serving_model_dir=served,
        checkpoint_dir=f"{root}/checkpoints",
        bad_files_path=f"{root}/bad_files.csv",
        beam_args=(*beam_args.on_vertex(vertex, f"{root}/dataflow"), *run.beam_arg),
    )
    audio_dir = config.data.audio_dir
    for flag, folder in (("--pipeline-root", root), ("--serving-model-dir", served)):
        check_output_path(flag, folder)
        is_outside = not spans.parse(audio_dir).find(folder)
        require(is_outside, f"{flag} must be outside of --audio-dir {audio_dir}", folder)
    # A model that needs more than audio must not be the baseline of one that does not: a run
    # without FMA's features does not have what it reads.
    suffix = "-unservable" if config.contest.push_unservable else ""
    name = run.name or f"{config.name}{suffix}"
    expected = "of a-z, 0-9 and -, begin with a letter and have at most 112 characters"
    require(bool(_PIPELINE_NAME.fullmatch(name)), f"--name must be {expected}", name)
    return dataclasses.replace(config, name=name)


def _in_bucket(flag: str, path: str) -> str:
    path = path.rstrip("/")
    what = "FILE" if flag == "--tracks-csv" else "FOLDER"
    require(bool(_ROOT.fullmatch(path)), f"{flag} must be gs://BUCKET/{what}", path)
    return path


def _weights(value: str) -> str:
    require(
        value in ("imagenet", "none") or value.startswith("/gcs/"),
        "--mobilenet-weights must be imagenet, none or /gcs/BUCKET/FILE, as Vertex AI mounts "
        "buckets",
        value,
    )
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    run, vertex, config = parse(arguments)
    # Google's clients warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline.vertex import run as on_vertex

    if config is None:
        return on_vertex.follow(run.job, vertex)
    if run.compile_only:
        return on_vertex.compile_only(config, vertex, run.output)
    return on_vertex.submit(config, vertex, output=run.output or None, wait=run.wait)


if __name__ == "__main__":
    sys.exit(main())
