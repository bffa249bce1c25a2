"""The console script `music-genre`: a subcommand a module, each loaded when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from importlib import metadata

from cli.flags import Parser
from common.exit_status import with_exit_status
from common.terminal import replace_unencodable

# A module has `add_flags(parser)` and `run(flags)`, which returns the exit status.
COMMANDS = {
    "download": ("cli.download", "download, check and unpack FMA"),
    "to-wav": ("cli.to_wav", "write a folder of audio as 16-bit wavs"),
    "predict": ("cli.predict", "tell the genre of songs"),
    "report": ("cli.report", "show the report of a run"),
    "compare": ("cli.compare", "show two runs side by side"),
}
_DISK_FULL = "the disk is full: free some space"
_EXAMPLES = """examples:
  music-genre download small --to data
  music-genre to-wav data/fma_small data/fma_small_wav --sample-rate 22050 --mono
  music-genre predict song.mp3 ~/Music/new --model output/small/serving_model
  music-genre report output/small --open
  music-genre compare output/a output/b
  music-genre COMMAND --help

Exit status: 0 done, 2 usage or bad input, 4 predict could not use some files, 1 a fault or an
outage, 130 interrupted.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs a subcommand and returns its exit status."""
    replace_unencodable()
    words = sys.argv[1:] if arguments is None else arguments
    parser = _build_parser(words)
    flags = parser.parse_args(words)
    run = importlib.import_module(COMMANDS[flags.command][0]).run
    program = f"music-genre {flags.command}"
    goes_on = flags.command in ("download", "to-wav")
    interrupted = "interrupted; the same command continues" if goes_on else "interrupted"
    return with_exit_status(
        program, lambda: run(flags), interrupted=interrupted, disk_full=_DISK_FULL
    )


def _build_parser(words: list[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="music-genre",
        description="Get music, classify it, and look at what a run of the pipeline left.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    version = metadata.version("music-genre-pipeline")
    parser.add_argument("--version", action="version", version=f"music-genre {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in words:  # others need not be loaded
            importlib.import_module(module).add_flags(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
