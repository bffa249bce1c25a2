"""From a zip of FMA to a folder.

FMA compresses with bzip2. Only a zip with the right SHA-1 gets here; even so, what would be written
outside the folder, or fill memory or the disk, is not unpacked.
"""

from __future__ import annotations

import bz2
import copy
import os
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent import futures
from pathlib import Path, PurePosixPath
from typing import IO

from rich.filesize import decimal

from common.errors import InputError
from common.folders import require_room
from common.progress import ProgressBar

_MAX_MEMBERS = 1_000_000  # fma_full has 106,576
_MAX_RATIO = 100
_BLOCK_BYTES = 2**18
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
# What zipfile and the decompressors raise; the latter's OSErrors have no error number.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


def unpack(zip_path: Path, folder: Path, progress: ProgressBar) -> None:
    """Unpacks a zip that holds one folder of the name of `folder`, and moves it into place.

    It continues where it was interrupted: a file that is there with its size is not written again.

    Raises:
        InputError: where the file is not a zip or too large, the disk has no room, or a member is
            bad. Nothing is written for a member that must not be unpacked.
        OSError: where a file cannot be written.
    """
    aside = folder.with_name(f".{folder.name}.unpacking")
    with open(zip_path, "rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise InputError(f"{zip_path} cannot be unpacked: {error}") from error
        members = archive.infolist()
        total = _check(members, zip_path, folder.name)
        todo = [member for member in members if not _is_written(aside, member)]
        missing = sum(member.file_size for member in todo)
        require_room(folder.parent, missing, folder.name)
        with progress(f"unpacking {folder.name}", total, total - missing) as advance:
            _extract_all(archive, todo, aside, advance)
    (aside / folder.name).rename(folder)
    shutil.rmtree(aside)


def _check(members: Sequence[zipfile.ZipInfo], zip_path: Path, top: str) -> int:
    """Returns the bytes of all members; raises InputError for what must not be unpacked."""
    if not 0 < len(members) <= _MAX_MEMBERS:
        raise InputError(f"{zip_path} has {len(members):,} members")
    n_bytes = sum(member.file_size for member in members)
    if n_bytes > _MAX_RATIO * zip_path.stat().st_size:
        raise InputError(f"{zip_path} cannot be unpacked: it would become {decimal(n_bytes)}")
    uses = Counter(member.filename for member in members)
    for member in members:
        name, parts = member.filename, PurePosixPath(member.filename).parts
        fault = ""
        if parts[:1] != (top,) or ".." in parts or "\\" in name:
            fault = f"is not in the folder {top}"
        elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            fault = "is a link or a device"
        elif uses[name] > 1:
            fault = "is there more than once"
        elif member.compress_type not in _METHODS:
            fault = f"is compressed by method {member.compress_type}, expected bzip2"
        if fault:
            raise InputError(f"{zip_path} cannot be unpacked: {name!r} {fault}")
    return n_bytes


def _is_written(aside: Path, member: zipfile.ZipInfo) -> bool:
    path = aside / member.filename
    return not member.is_dir() and path.is_file() and path.stat().st_size == member.file_size


def _extract_all(
    archive: zipfile.ZipFile,
    members: Sequence[zipfile.ZipInfo],
    aside: Path,
    advance: Callable[[int], None],
) -> None:
    def extract(member: zipfile.ZipInfo) -> None:
        try:
            _extract(archive, member, aside / member.filename, advance)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise InputError(f"{member.filename!r} cannot be unpacked: {error}") from error

    # Decompression lets other threads run.
    pool = futures.ThreadPoolExecutor(os.cpu_count())
    try:
        for _ in pool.map(extract, members):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def _extract(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, advance: Callable[[int], None]
) -> None:
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    n_bytes = crc = 0
    try:
        with _opened(archive, member) as source, open(part, "wb") as file:
            while n_bytes <= member.file_size and (block := source.read(_BLOCK_BYTES)):
                file.write(block)
                n_bytes += len(block)
                crc = zlib.crc32(block, crc)
                advance(len(block))
        if (n_bytes, crc) != (member.file_size, member.CRC):
            raise ValueError("its size or its CRC is not what the zip says")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """Opens a member so that a read decompresses no more than what it asks for."""
    if member.compress_type != zipfile.ZIP_BZIP2:
        return archive.open(member)
    # zipfile decompresses 4 KiB of bzip2 at once, which may be gigabytes; bz2 does not.
    compressed = copy.copy(member)
    compressed.compress_type, compressed.file_size = zipfile.ZIP_STORED, member.compress_size
    del compressed.CRC  # of what is decompressed
    return bz2.open(archive.open(compressed))
