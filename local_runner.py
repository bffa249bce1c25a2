#!/usr/bin/env python
"""Runs the pipeline on this machine: flags to configuration, console, results.

Exit status: 0 the model was pushed, 2 usage or bad input, 3 the gate refused the model, 1 a fault
of the program, 130 interrupted.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cli.flags import Command, build, check_output_path, pipeline_config
from common.config import Config, Flag, Group, require
from common.terminal import replace_unencodable
from pipeline.beam_args import BeamConfig
from pipeline.config import PipelineConfig


@dataclasses.dataclass(frozen=True)
class LocalConfig(Config):
    """How this machine runs the pipeline."""

    output_dir: Annotated[str, Flag("folder that everything is written to", "DIR", group="data")]
    beam: Annotated[BeamConfig, Group("Beam")] = BeamConfig()
    resume: Annotated[bool, Flag("go on with an interrupted training")] = True
    prune: Annotated[
        bool,
        Flag("first remove artifacts that the latest run has not used; with --dry-run list them"),
    ] = False
    dry_run: Annotated[bool, Flag("check the input, print the plan, stop")] = False


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
        local = build(given, LocalConfig)
        return _pipeline(given, Path(local.output_dir).absolute()), local
    except ValueError as error:
        COMMAND.parser.error(str(error))


def _pipeline(given: Mapping[str, Any], output: Path) -> PipelineConfig:
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

    output = Path(local.output_dir).absolute()
    if local.dry_run:
        return runner.show_plan(config, output, local.beam, prune=local.prune)
    return runner.run(config, output, local.beam, resume=local.resume, prune=local.prune)


if __name__ == "__main__":
    status = main()
    # TensorFlow's destructors complain on stderr while the interpreter goes down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.exit(status)
