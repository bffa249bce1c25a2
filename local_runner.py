#!/usr/bin/env python
"""Runs the pipeline on this machine: flags to configuration, console, results.

Exit status: 0 the model was pushed, 2 usage or bad input, 3 the gate refused the model, 1 a fault
of the program, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from pathlib import Path

from cli import flags as shared_flags
from common.terminal import replace_unencodable
from pipeline.config import PipelineConfig

BEAM_RUNNERS = ("DirectRunner", "FlinkRunner", "SparkRunner", "PortableRunner")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    parser = shared_flags.Parser(
        prog="local_runner.py",
        description="Train, rank, judge and push music-genre models on an archive of music.",
        formatter_class=shared_flags.HelpFormatter,
        epilog="Exit status: 0 pushed, 2 usage or bad input, 3 the gate refused the model.",
    )
    group = parser.add_argument_group("data")
    shared_flags.add_archive(group)
    group.add_argument("--output-dir", required=True, help="everything that comes out goes here")
    shared_flags.add_selection(group)
    shared_flags.add_models(parser)

    group = parser.add_argument_group("run")
    group.add_argument(
        "--beam-runner", choices=BEAM_RUNNERS, default="DirectRunner", help="Beam's runner"
    )
    group.add_argument(
        "--beam-workers", type=shared_flags.positive, metavar="N",
        help="worker processes, 1 for none; default: by the number of clips",
    )  # fmt: skip
    group.add_argument(
        "--job-endpoint", default="", metavar="HOST:PORT",
        help="job service of Flink, Spark or another portable runner; default: Beam starts one for "
        "Flink or Spark, with Java",
    )  # fmt: skip
    group.add_argument(
        "--worker-pool", default="", metavar="HOST:PORT",
        help="Python workers of a portable runner, with this project's packages; default: in this "
        "process",
    )  # fmt: skip
    group.add_argument(
        "--beam-arg", action="append", default=[], metavar="=--flag=VALUE",
        help="a further flag for Beam; may be repeated",
    )  # fmt: skip
    group.add_argument("--no-cache", action="store_true", help="compute everything again")
    group.add_argument(
        "--no-resume", action="store_true", help="do not go on with an interrupted training"
    )
    group.add_argument(
        "--prune", action="store_true",
        help="first remove artifacts of earlier runs that this run does not need; with --dry-run "
        "list them",
    )  # fmt: skip
    group.add_argument(
        "--dry-run", action="store_true", help="check the input, print the plan, stop"
    )
    return parser


def make_config(flags: argparse.Namespace) -> PipelineConfig:
    """Returns the configuration that the flags describe, without looking at any file.

    Raises:
        ValueError: naming the value that is out of range.
    """
    output = Path(flags.output_dir).absolute()
    shared_flags.check_output_path("output_dir", str(output))
    return PipelineConfig(
        **shared_flags.configured(
            flags,
            audio_dir=_absolute(flags.audio_dir),
            metadata_dir=_absolute(flags.metadata_dir),
            tracks_csv=_absolute(flags.tracks_csv),
            mobilenet_weights=_weights(flags.mobilenet_weights),
        ),
        pipeline_root=str(output / "pipeline"),
        metadata_path=str(output / "pipeline" / "metadata.sqlite"),
        serving_model_dir=str(output / "serving_model"),
        checkpoint_dir=str(output / "checkpoints"),
        bad_files_path=str(output / "bad_files.csv"),
        enable_cache=not flags.no_cache,
    )


def _check_beam(flags: argparse.Namespace) -> None:
    for name in ("job_endpoint", "worker_pool"):
        value = getattr(flags, name)
        if value and flags.beam_runner == "DirectRunner":
            raise ValueError(f"{name} needs a --beam-runner other than DirectRunner")
        if value and not re.fullmatch(r"\S+:\d+", value):
            raise ValueError(f"{name} must be HOST:PORT, got {value!r}")
    if flags.beam_runner == "PortableRunner" and not flags.job_endpoint:
        raise ValueError("--beam-runner PortableRunner needs --job-endpoint HOST:PORT")


def _absolute(path: str) -> str:
    return path if not path or "://" in path else str(Path(path).absolute())


def _weights(value: str) -> str:
    if value in ("imagenet", "none"):
        return value
    path = Path(value).absolute()
    if not path.is_file():
        raise ValueError(f"mobilenet_weights must be imagenet, none or a file, got {value!r}")
    return str(path)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    parser = build_parser()
    flags = parser.parse_args(arguments)
    try:
        config = make_config(flags)
        _check_beam(flags)
    except ValueError as error:
        parser.error(str(error))
    # Beam's clients of Google's services warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline.local import runner

    beam = runner.BeamChoice(
        flags.beam_runner,
        flags.beam_workers,
        tuple(flags.beam_arg),
        flags.job_endpoint,
        flags.worker_pool,
    )
    output = Path(flags.output_dir).absolute()
    if flags.dry_run:
        return runner.show_plan(config, output, beam, prune=flags.prune)
    return runner.run(config, output, beam, resume=not flags.no_resume, prune=flags.prune)


if __name__ == "__main__":
    status = main()
    # TensorFlow's destructors print_error on stderr while the interpreter goes down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(status)
