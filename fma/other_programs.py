"""Unpacking by 7-Zip or bsdtar, for methods of compression that Python has not."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from common.errors import InputError
from fma.zips import BadArchive, Listing

# By program: its arguments, of the zip and the folder.
_COMMANDS: dict[str, Callable[[str, str], list[str]]] = {
    **{
        name: lambda zip_path, folder: ["x", "-y", "-bd", f"-o{folder}", "--", zip_path]
        for name in ("7zz", "7z", "7za")
    },
    "bsdtar": lambda zip_path, folder: ["-x", "-f", zip_path, "-C", folder],
}
_BLOCK_BYTES = 2**20


def extract(zip_path: Path, listing: Listing, folder: Path, methods: set[int]) -> None:
    """Unpacks a zip into an empty folder by a program of this machine.

    Raises:
        InputError: where there is none, with what to install; where it fails.
        BadArchive: where what came out is not what the zip lists.
    """
    program = next((name for name in _COMMANDS if shutil.which(name)), None)
    if program is None:
        numbers = ", ".join(str(number) for number in sorted(methods))
        raise InputError(
            f"{zip_path} is compressed by a method that Python does not know (number {numbers}): "
            "install 7-Zip (package 7zip or p7zip-full) or bsdtar (libarchive-tools)"
        )
    longest = max(info.file_size for info in listing.files)
    arguments = _COMMANDS[program](str(zip_path.absolute()), str(folder.absolute()))
    # A member that lies of its size ends at the limit, in blocks of 512 bytes, and not on a full
    # disk. The shell sets it: Python code between fork and exec is not safe beside gRPC's threads.
    limited = ["/bin/sh", "-c", 'ulimit -f "$0" && exec "$@"', str(-(-longest // 512)), program]
    done = subprocess.run(
        [*limited, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        detail = lines[-1] if lines else f"exit status {done.returncode}"
        raise BadArchive(f"{program} could not unpack {zip_path}: {detail}")
    _check_names(listing, folder, program)


def _check_names(listing: Listing, folder: Path, program: str) -> None:
    """Raises BadArchive unless the folder has the files of the zip and no others."""
    expected = {info.filename for info in listing.files}
    found = set(_files(folder))
    if found != expected:
        odd = min(found ^ expected)
        what = "made a file that the zip does not list" if odd in found else "left out a file"
        raise BadArchive(f"{program} {what}: {odd!r}")


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        # A link to a folder is listed among the folders.
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in (*names, *links):
            yield os.path.relpath(os.path.join(parent, name), folder)


def blocks_of_file(path: Path, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields what is in a file that was unpacked, if it is the member that it should be.

    Raises:
        BadArchive: where it is no file, or its size or CRC is not the member's.
    """
    if path.is_symlink() or not path.is_file() or path.stat().st_size != info.file_size:
        raise BadArchive(f"{path} is not the {info.file_size:,} bytes that the zip says")
    crc = 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            crc = zlib.crc32(block, crc)
            yield block
    if crc != info.CRC:
        raise BadArchive(f"{path} is damaged: its CRC is {crc:08x}, the zip says {info.CRC:08x}")
