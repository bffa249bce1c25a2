#!/usr/bin/env python
"""Runs the pipeline on this machine: flags to configuration, console, results.

Exit status: 0 the model was pushed, 2 usage or bad input, 3 the gate refused the model, 1 a fault
of the program, 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cli.flags import Command, Given, check_output_path, pipeline_config
from common.config import POSITIVE, Config, Flag, require
from common.terminal import replace_unencodable
from pipeline.config import PipelineConfig


@dataclasses.dataclass(frozen=True)
class LocalConfig(Config):
    """How this machine runs the pipeline."""

    output_dir: Annotated[str, Flag("folder that everything is written to", "DIR", group="data")]
    beam_runner: Annotated[
        Literal["DirectRunner", "FlinkRunner", "SparkRunner", "PortableRunner"],
        Flag("Beam's runner"),
    ] = "DirectRunner"
    beam_workers: Annotated[
        int | None, POSITIVE,
        Flag("worker processes, 1 for none; default: by the number of clips", "N"),
    ] = None  # fmt: skip
    job_endpoint: Annotated[
        str,
        Flag(
            "job service of Flink, Spark or another portable runner; default: Beam starts one for "
            "Flink or Spark, with Java", "HOST:PORT",
        ),
    ] = ""  # fmt: skip
    worker_pool: Annotated[
        str,
        Flag(
            "Python workers of a portable runner, with this project's packages; default: in this "
            "process", "HOST:PORT",
        ),
    ] = ""  # fmt: skip
    beam_arg: Annotated[
        tuple[str, ...],
        Flag("a further flag for Beam; may be repeated", "=--flag=VALUE", repeated=True),
    ] = ()
    resume: Annotated[bool, Flag("go on with an interrupted training")] = True
    prune: Annotated[
        bool,
        Flag("first remove artifacts that the latest run has not used; with --dry-run list them"),
    ] = False
    dry_run: Annotated[bool, Flag("check the input, print the plan, stop")] = False

    def __post_init__(self) -> None:
        """Raises ValueError for values that do not go together."""
        super().__post_init__()
        for name in ("job_endpoint", "worker_pool"):
            value = getattr(self, name)
            is_portable = not value or self.beam_runner != "DirectRunner"
            require(is_portable, f"{name} needs a --beam-runner other than DirectRunner", value)
            is_address = not value or bool(re.fullmatch(r"\S+:\d+", value))
            require(is_address, f"{name} must be HOST:PORT", value)
        require(
            self.beam_runner != "PortableRunner" or bool(self.job_endpoint),
            "job_endpoint must be HOST:PORT with --beam-runner PortableRunner",
            self.job_endpoint,
        )


COMMAND = Command(
    PipelineConfig,
    LocalConfig,
    prog="local_runner.py",
    usage="%(prog)s --audio-dir DIR [--metadata-dir DIR | --tracks-csv FILE] --output-dir DIR …",
    description="Train, rank, judge and push music-genre models on an archive of music.",
    epilog="Exit status: 0 pushed, 2 usage or bad input, 3 the gate refused the model, 1 a fault "
    "of the program, 130 interrupted.",
)


def parse(arguments: Sequence[str] | None) -> tuple[PipelineConfig, LocalConfig]:
    """Returns what a command line configures; ends the program where it is wrong."""
    given = COMMAND.parse(arguments)
    try:
        local = given.build(LocalConfig)
        return _pipeline(given, Path(local.output_dir).absolute()), local
    except ValueError as error:
        COMMAND.parser.error(str(error))


def _pipeline(given: Given, output: Path) -> PipelineConfig:
    check_output_path("--output-dir", str(output))
    return pipeline_config(
        given,
        path=lambda _, path: path if "://" in path else str(Path(path).absolute()),
        weights=_weights,
        pipeline_root=str(output / "pipeline"),
        metadata_path=str(output / "pipeline" / "metadata.sqlite"),
        serving_model_dir=str(output / "serving_model"),
        checkpoint_dir=str(output / "checkpoints"),
        bad_files_path=str(output / "bad_files.csv"),
    )


def _weights(value: str) -> str:
    if value in ("imagenet", "none"):
        return value
    path = Path(value).absolute()
    require(path.is_file(), "--mobilenet-weights must be imagenet, none or a file", value)
    return str(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    config, local = parse(arguments)
    # Beam's clients of Google's services warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline.local import runner

    beam = runner.BeamChoice(
        local.beam_runner,
        local.beam_workers,
        local.beam_arg,
        local.job_endpoint,
        local.worker_pool,
    )
    output = Path(local.output_dir).absolute()
    if local.dry_run:
        return runner.show_plan(config, output, beam, prune=local.prune)
    return runner.run(config, output, beam, resume=local.resume, prune=local.prune)


if __name__ == "__main__":
    status = main()
    # TensorFlow's destructors complain on stderr while the interpreter goes down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(status)
