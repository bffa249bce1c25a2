"""`music-genre to-wav`: a folder of audio as 16-bit wavs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from cli import progress_bar
from cli.flags import positive
from common.terminal import visible


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the command."""
    parser.description = (
        "Write every audio file of a folder, whole, as a 16-bit wav in a folder of the same form.\n"
        "Optional: the pipeline reads mp3s. Files that cannot be decoded are listed in\n"
        "bad_files.csv there; a wav that is there and no older than its file stays."
    )
    parser.add_argument("source", type=Path, help="folder of audio, such as data/fma_small")
    parser.add_argument("target", type=Path, help="folder for the wavs")
    parser.add_argument(
        "--sample-rate", type=_sample_rate, metavar="HZ", help="default: each file's own"
    )
    parser.add_argument("--mono", action="store_true", help="average the channels")
    parser.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, metavar="N",
        help="processes that decode (default: a process per core)",
    )  # fmt: skip


def _sample_rate(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1_000 <= int(text) <= 768_000):
        raise argparse.ArgumentTypeError(f"must be from 1000 to 768000 Hz, got {text!r}")
    return int(text)


def run(flags: argparse.Namespace) -> int:
    """Writes the wavs and returns the exit status."""
    # Only now what takes a second to import.
    from dataset import to_wav
    from dataset.bad_files import BAD_FILES_NAME

    settings = to_wav.Settings(flags.sample_rate, flags.mono)
    summary = to_wav.convert_folder(
        flags.source, flags.target, settings, flags.workers, progress_bar.of_files
    )
    text = (
        f"{summary.written + summary.there_before:,} wavs are in {flags.target}, "
        f"{summary.there_before:,} of them from before; {summary.bad:,} files are bad, listed in "
        f"{flags.target / BAD_FILES_NAME}; {summary.others:,} others are no audio"
    )
    print(visible(text))
    return 0
