#!/usr/bin/env python
"""Compiles the pipeline for Vertex AI Pipelines; submits it, or follows it, only when told to.

Exit status: 0 compiled, submitted or, with --wait, pushed, 2 usage or bad input, 3 the gate refused
the model, 1 a fault, an outage or a failed job, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
import warnings

from cli.flags import Parser
from cli.vertex_flags import (
    build_parser,
    check_together,
    names,
    need_no_pipeline,
    overruled,
    pipeline_config,
    vertex_config,
)
from common.errors import InputError
from common.terminal import replace_unencodable


def parse(arguments: list[str]) -> argparse.Namespace:
    """Returns the flags of the command line and, below them, those of its YAML file."""
    parser = build_parser()
    only_config = Parser(add_help=False)
    only_config.add_argument("--config")
    config = only_config.parse_known_args(arguments)[0].config
    try:
        if config:
            from cli import yaml_flags

            below = yaml_flags.from_file(config, parser, overruled(arguments))
            arguments = [*below, *arguments]
        if names(arguments, "--job"):
            need_no_pipeline(parser)
        flags = parser.parse_args(arguments)
        flags.vertex = vertex_config(flags)
        flags.pipeline = None if flags.job else pipeline_config(flags, flags.vertex)
        check_together(flags)
    except (ValueError, InputError) as error:
        parser.error(str(error))
    return flags


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    flags = parse(sys.argv[1:] if arguments is None else arguments)
    # Google's clients warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline.vertex import run

    if flags.job:
        return run.follow(flags.job, flags.vertex)
    if flags.compile_only:
        return run.compile_only(flags.pipeline, flags.vertex, flags.output)
    return run.submit(flags.pipeline, flags.vertex, output=flags.output, wait=flags.wait)


if __name__ == "__main__":
    sys.exit(main())
