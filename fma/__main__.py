"""The command line: ``python -m fma``; exit status 0, 2 usage or bad input, 1 an outage or fault.

130 means interrupted; the same command goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import sys
import urllib.parse
from pathlib import Path

from cli.flags import HelpFormatter, Parser, add_switch, positive
from common.console import PlainConsole
from common.errors import InputError
from common.exit_status import with_exit_status
from common.terminal import replace_unencodable
from fma import folders, getting, unpacking
from fma.archives import ARCHIVES, BASE_URL, Archive
from fma.meters import Reporter
from fma.sums import sha1_of

_INTERRUPTED = "interrupted; the same command goes on from here"
_DISK_FULL = "the disk is full: free some space, and the same command goes on from here"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    replace_unencodable()
    parser = _build_parser()
    flags = parser.parse_args(arguments)
    if flags.action is _download:
        _check_download(parser, flags)
    reporter = Reporter(PlainConsole())
    return with_exit_status(
        f"{parser.prog} {flags.command}",
        lambda: flags.action(flags, reporter),
        interrupted=_INTERRUPTED,
        disk_full=_DISK_FULL,
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m fma",
        description="Get FMA, a dataset for music analysis (github.com/mdeff/fma).",
        formatter_class=HelpFormatter,
        epilog="Exit status: 0 done, 2 usage or bad input, 1 the server failed, 130 interrupted.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_download(commands)
    _add_unzip(commands)
    _add_to_wav(commands)
    return parser


def _add_download(commands: argparse._SubParsersAction[Parser]) -> None:
    listed = "\n".join(
        f"  {name:9} {archive.size:>8}  {archive.content}" for name, archive in ARCHIVES.items()
    )
    parser = commands.add_parser(
        "download",
        help="download, check and unpack archives of FMA",
        description="Download, check and unpack archives of FMA, metadata always among them unless "
        "--no-metadata\nsays otherwise. What is there already is not fetched again; after an "
        "interruption the same\ncommand goes on. A zip is removed once its folder is whole, unless "
        f"--keep-zip says otherwise.\n\narchives:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action=_download)
    parser.add_argument("names", nargs="+", choices=tuple(ARCHIVES), metavar="NAME", help="which")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder for fma_…/")
    group = parser.add_argument_group("details")
    add_switch(group, "--metadata", default=True, help="fetch fma_metadata, too (default: yes)")
    add_switch(group, "--keep-zip", help="keep a zip once its folder is whole (default: no)")
    group.add_argument(
        "--retries", type=_whole_number, default=5, metavar="N",
        help="how often in a row a connection may fail (default: 5)",
    )  # fmt: skip
    group.add_argument(
        "--base-url", default=BASE_URL, metavar="URL",
        help=f"folder of the zips, for a mirror (default: {BASE_URL})",
    )  # fmt: skip
    group.add_argument(
        "--sha1", action="append", type=_sum, default=[], metavar="NAME=SHA1",
        help="sum of a mirror's own archive, in place of FMA's; may be repeated",
    )  # fmt: skip


def _add_unzip(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "unzip",
        help="unpack an archive of FMA that was downloaded otherwise",
        description="Check and unpack an archive of FMA that was downloaded otherwise.",
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(action=_unzip)
    parser.add_argument("zip", type=Path, metavar="FILE.zip", help="the archive; it stays")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder for fma_…/")


def _add_to_wav(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "to-wav",
        help="write a folder of audio as 16-bit wavs",
        description="Write every audio file of a folder, whole, as a 16-bit wav in a folder of the "
        "same shape. Optional: the pipeline reads mp3s. Files that cannot be decoded are listed in "
        "bad_files.csv there; a wav that is there already stays.",
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(action=_to_wav)
    parser.add_argument("source", type=Path, help="folder of audio, such as data/fma_small")
    parser.add_argument("target", type=Path, help="folder for the wavs")
    parser.add_argument(
        "--sample-rate", type=_sample_rate, metavar="HZ", help="default: each file's own"
    )
    parser.add_argument("--mono", action="store_true", help="average the channels")
    parser.add_argument(
        "--workers",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that decode",
    )


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, got {text!r}")
    return int(text)


def _sample_rate(text: str) -> int:
    if not 1_000 <= _whole_number(text) <= 768_000:
        raise argparse.ArgumentTypeError(f"must be from 1000 to 768000 Hz, got {text!r}")
    return int(text)


def _sum(text: str) -> tuple[str, str]:
    name, _, digest = text.partition("=")
    if name not in ARCHIVES or not re.fullmatch(r"[0-9a-fA-F]{40}", digest):
        expected = f"one of {', '.join(ARCHIVES)}, = and 40 hex digits"
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")
    return name, digest.lower()


def _check_download(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> None:
    try:
        url = urllib.parse.urlsplit(flags.base_url)
        usable = url.scheme in ("http", "https") and url.hostname and not url.query
    except ValueError:
        usable = False
    if not usable:
        parser.error(f"--base-url must be an address of http or https, got {flags.base_url!r}")
    if flags.sha1 and flags.base_url == BASE_URL:
        parser.error("--sha1 is for a mirror's own archives and needs --base-url")
    if not flags.metadata and "metadata" in flags.names:
        parser.error("metadata and --no-metadata exclude each other")


def _download(flags: argparse.Namespace, reporter: Reporter) -> int:
    wanted = {*flags.names, *(["metadata"] if flags.metadata else [])}
    own_sums = dict(flags.sha1)
    with folders.locked(flags.to):
        # In the order of their sizes: what is wrong shows early.
        for name in (name for name in ARCHIVES if name in wanted):
            archive = ARCHIVES[name]
            archive = dataclasses.replace(archive, sha1=own_sums.get(name, archive.sha1))
            getting.get(
                archive, flags.base_url, flags.to, reporter,
                retries=flags.retries, keep_zip=flags.keep_zip,
            )  # fmt: skip
    return 0


def _unzip(flags: argparse.Namespace, reporter: Reporter) -> int:
    if not flags.zip.is_file():
        raise InputError(f"{flags.zip} is no file")
    with folders.locked(flags.to):
        sha1 = sha1_of(flags.zip, reporter)
        known: Archive | None = next((a for a in ARCHIVES.values() if a.sha1 == sha1), None)
        if known:
            reporter.say(f"{flags.zip} is FMA's {known.zip_name}, by its SHA-1")
        else:
            reporter.say(f"{flags.zip} is none of FMA's archives by its SHA-1, {sha1}")
        folder = unpacking.unpack(flags.zip, flags.to, sha1, reporter)
    reporter.say(f"{folder} is complete")
    return 0


def _to_wav(flags: argparse.Namespace, reporter: Reporter) -> int:
    # Only now what takes a second to import.
    from dataset.bad_files import BAD_FILES_NAME
    from fma import to_wav

    settings = to_wav.Settings(flags.sample_rate, flags.mono)
    summary = to_wav.convert_folder(flags.source, flags.target, settings, flags.workers, reporter)
    reporter.say(
        f"{summary.written + summary.there_before:,} wavs are in {flags.target}, "
        f"{summary.there_before:,} of them from before; {summary.bad:,} files are bad, listed in "
        f"{flags.target / BAD_FILES_NAME}; {summary.others:,} others are no audio"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
