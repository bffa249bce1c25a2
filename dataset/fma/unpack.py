"""From a zip of FMA to a folder.

FMA compresses with bzip2. Only a zip with the right SHA-1 gets here. What would be written
elsewhere, or fill the disk, is refused all the same.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from rich.filesize import decimal

from common.errors import InputError

_MAX_MEMBERS = 1_000_000  # fma_full has 106,576
_MAX_RATIO = 100
_HARMLESS_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**18
# What zipfile and its decompressors raise for a bad zip, beside OSError without a number.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    NotImplementedError,
)

Progress = Callable[[str, "int | None", int], AbstractContextManager[Callable[[int], None]]]


def unpack(zip_path: Path, folder: Path, progress: Progress) -> None:
    """Unpacks a zip that holds one folder of the name of `folder`, and moves it into place.

    It continues where it was interrupted: a file that is there with its size is not written again.

    Raises:
        InputError: where the zip is damaged or dangerous, or the disk has no room.
    """
    aside = folder.with_name(f".{folder.name}.unpacking")
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = archive.infolist()
        _check(members, zip_path, folder.name)
        todo = [member for member in members if not _is_written(aside, member)]
        _check_room(sum(member.file_size for member in todo), folder)
        total = sum(member.file_size for member in members)
        done = total - sum(member.file_size for member in todo)
        for member in members:
            (aside / member.filename).parent.mkdir(parents=True, exist_ok=True)
        with progress(f"unpacking {folder.name}", total, done) as advance:
            _extract_all(zip_path, todo, aside, advance)
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk, not of bzip2
            raise
        raise InputError(f"{zip_path} cannot be unpacked: {error}") from error
    (aside / folder.name).rename(folder)
    shutil.rmtree(aside)


def _check(members: Sequence[zipfile.ZipInfo], zip_path: Path, top: str) -> None:
    """Raises ValueError for a member that would be written elsewhere, or too much of them."""
    if len(members) > _MAX_MEMBERS:
        raise ValueError(f"it has {len(members):,} members")
    for member in members:
        path = PurePosixPath(member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if path.parts[:1] != (top,) or ".." in path.parts or "\\" in member.filename:
            raise ValueError(f"its member {member.filename!r} is not in the folder {top}")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"its member {member.filename!r} is a link or a device")
    n_bytes = sum(member.file_size for member in members)
    if n_bytes > max(_MAX_RATIO * zip_path.stat().st_size, _HARMLESS_BYTES):
        raise ValueError(f"it would become {decimal(n_bytes)}")


def _is_written(aside: Path, member: zipfile.ZipInfo) -> bool:
    path = aside / member.filename
    return not member.is_dir() and path.is_file() and path.stat().st_size == member.file_size


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise InputError(
            f"{folder.parent} has {decimal(free)} free, but {folder.name} needs another "
            f"{decimal(needed)}: free some space or choose another --to"
        )


def _extract_all(
    zip_path: Path,
    members: Sequence[zipfile.ZipInfo],
    aside: Path,
    advance: Callable[[int], None],
) -> None:
    n_threads = os.cpu_count() or 1
    # Decompression lets other threads run. Each has a ZipFile of its own, for reads of one wait
    # for each other.
    with futures.ThreadPoolExecutor(n_threads) as pool:
        pending = [
            pool.submit(_extract, zip_path, members[first::n_threads], aside, advance)
            for first in range(n_threads)
        ]
        for result in pending:
            result.result()


def _extract(
    zip_path: Path,
    members: Sequence[zipfile.ZipInfo],
    aside: Path,
    advance: Callable[[int], None],
) -> None:
    with zipfile.ZipFile(zip_path) as archive:
        for member in members:
            path = aside / member.filename
            if member.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            part = path.with_name(f"{path.name}.part")
            with archive.open(member) as source, open(part, "wb") as file:
                while block := source.read(_BLOCK_BYTES):  # checks the CRC at its end
                    file.write(block)
                    advance(len(block))
            part.replace(path)
