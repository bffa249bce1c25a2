#!/usr/bin/env python
"""Compiles the pipeline for Vertex AI Pipelines, and submits it only when told to.

Exit status: 0 compiled, submitted or, with --wait, pushed, 2 usage or bad input, 3 the gate refused
the model, 1 a fault or a failed job, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
import warnings

from pipeline.vertex.cloud import Endpoints
from pipeline.vertex.flags import build_parser, pipeline_config, vertex_config


def parse(arguments: list[str]) -> argparse.Namespace:
    """Returns the flags of the command line and, below them, those of its YAML file."""
    parser = build_parser()
    only_config = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    only_config.add_argument("--config")
    config = only_config.parse_known_args(arguments)[0].config
    try:
        if config:
            from pipeline.vertex import yaml_flags

            arguments = [*yaml_flags.from_file(config, parser), *arguments]
        flags = parser.parse_args(arguments)
        if flags.compile_only and not flags.output:
            raise ValueError("--compile-only needs --output FILE")
        if flags.wait and not flags.submit:
            raise ValueError("--wait needs --submit")
        if flags.wait and flags.schedule:
            raise ValueError("--wait follows one run, --schedule starts many: leave one out")
        flags.vertex = vertex_config(flags)
        flags.pipeline = pipeline_config(flags, flags.vertex)
    except ValueError as error:
        parser.error(str(error))
    return flags


def main(arguments: list[str] | None = None, endpoints: Endpoints | None = None) -> int:
    """Runs the command line, against Google Cloud or stand-ins, and returns its exit status."""
    flags = parse(sys.argv[1:] if arguments is None else arguments)
    # Google's clients warn of this Python version, a screenful each time.
    warnings.simplefilter("ignore", FutureWarning)
    # Only now what takes seconds to import.
    from pipeline.vertex import run

    if flags.compile_only:
        return run.compile_only(flags.pipeline, flags.vertex, flags.output)
    return run.submit(
        flags.pipeline, flags.vertex, output=flags.output, wait=flags.wait, endpoints=endpoints
    )


if __name__ == "__main__":
    sys.exit(main())
