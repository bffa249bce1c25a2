"""`music-genre download`: FMA's archives, downloaded, checked and unpacked."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cli import progress_bar
from common.errors import InputError
from common.folders import make_folder
from common.terminal import visible
from dataset.fma.download import ARCHIVES, BASE_URL, get

_SHA1 = re.compile(r"[0-9a-f]{40}")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the command."""
    listed = "\n".join(
        f"  {name:9} {archive.size:>8}  {archive.content}" for name, archive in ARCHIVES.items()
    )
    parser.description = (
        "Download, check and unpack archives of FMA. What is there is not downloaded again; after\n"
        f"an interruption the same command continues.\n\narchives:\n{listed}"
    )
    parser.add_argument("names", nargs="+", choices=tuple(ARCHIVES), metavar="NAME", help="which")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder for fma_…/")
    group = parser.add_argument_group("details")
    group.add_argument(
        "--metadata", action=argparse.BooleanOptionalAction, default=True,
        help="get fma_metadata, too",
    )  # fmt: skip
    group.add_argument("--keep-zip", action="store_true", help="keep a zip that is unpacked")
    group.add_argument(
        "--retries", type=_retries, default=5, metavar="N",
        help="how often in a row a connection may fail (default: 5)",
    )  # fmt: skip
    group.add_argument(
        "--base-url", type=_url, default=BASE_URL, metavar="URL",
        help=f"folder of the zips, for a mirror (default: {BASE_URL})",
    )  # fmt: skip
    group.add_argument(
        "--sha1", action="append", type=_sum, default=[], metavar="NAME=SHA1",
        help="sum of a mirror's own archive, instead of FMA's; may be repeated",
    )  # fmt: skip


def _retries(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, got {text!r}")
    return int(text)


def _url(text: str) -> str:
    with contextlib.suppress(ValueError):
        url = urlsplit(text)
        if url.scheme in ("http", "https") and url.hostname and not url.query:
            return text
    raise argparse.ArgumentTypeError(f"must be an address of http or https, got {text!r}")


def _sum(text: str) -> tuple[str, str]:
    name, _, digest = text.partition("=")
    if name not in ARCHIVES or not _SHA1.fullmatch(digest.lower()):
        expected = f"one of {', '.join(ARCHIVES)}, = and 40 hex digits"
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")
    return name, digest.lower()


def run(flags: argparse.Namespace) -> int:
    """Gets the archives, the smallest first, and returns the exit status."""
    own_sums = dict(flags.sha1)
    if own_sums and flags.base_url == BASE_URL:
        raise InputError("--sha1 is for a mirror's own archives and needs --base-url")
    wanted = {*flags.names, *(["metadata"] if flags.metadata else [])}
    with _only_one_in(flags.to):
        for name in (name for name in ARCHIVES if name in wanted):
            archive = ARCHIVES[name]
            folder = get(
                archive._replace(sha1=own_sums.get(name, archive.sha1)),
                flags.to,
                progress_bar.of_bytes,
                base_url=flags.base_url,
                retries=flags.retries,
                keep_zip=flags.keep_zip,
            )
            print(visible(f"{folder} is complete"))
    return 0


@contextlib.contextmanager
def _only_one_in(folder: Path) -> Iterator[None]:
    make_folder(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(f"another download is running in {folder}") from error
    finally:
        os.close(descriptor)
