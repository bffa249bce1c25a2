"""From a zip of FMA to a folder.

FMA compresses with bzip2. Only a zip with the right SHA-1 gets here; even so, what would be written
outside the folder, or fill memory or the disk, is not unpacked.
"""

from __future__ import annotations

import bz2
import copy
import errno
import os
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import IO

from rich.filesize import decimal

from common.errors import InputError

_MAX_MEMBERS = 1_000_000  # fma_full has 106,576
_MAX_RATIO = 100
_HARMLESS_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**18
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
# What zipfile and the decompressors raise; the latter's OSErrors have no error number.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
# Of a name that the file system refuses; all other error numbers are no fault of the zip.
_OF_NAMES = (errno.EEXIST, errno.EILSEQ, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOTDIR)

Progress = Callable[[str, "int | None", int], AbstractContextManager[Callable[[int], None]]]


def unpack(zip_path: Path, folder: Path, progress: Progress) -> None:
    """Unpacks a zip that holds one folder of the name of `folder`, and moves it into place.

    It continues where it was interrupted: a file that is there with its size is not written again.

    Raises:
        InputError: where the file is not a zip or too large, the disk has no room, or members are
            bad. All other members are unpacked then; the message has where they are, and each bad
            one.
        OSError: where a file cannot be written.
    """
    aside = folder.with_name(f".{folder.name}.unpacking")
    with open(zip_path, "rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise InputError(f"{zip_path} cannot be unpacked: {error}") from error
        members = archive.infolist()
        _check_size(members, zip_path)
        faults = _faults(members, folder.name)
        good = [member for member in members if member.filename not in faults]
        todo = [member for member in good if not _is_written(aside, member)]
        _check_room(sum(member.file_size for member in todo), folder)
        total = sum(member.file_size for member in good)
        done = total - sum(member.file_size for member in todo)
        with progress(f"unpacking {folder.name}", total, done) as advance:
            faults |= _extract_all(archive, todo, aside, advance)
    if faults:
        listed = "".join(f"\n  {name!r} {fault}" for name, fault in faults.items())
        raise InputError(
            f"{len(faults):,} of the {len(members):,} members of {zip_path} are bad; the others "
            f"are in {aside / folder.name}{listed}"
        )
    (aside / folder.name).rename(folder)
    shutil.rmtree(aside)


def _check_size(members: Sequence[zipfile.ZipInfo], zip_path: Path) -> None:
    if not 0 < len(members) <= _MAX_MEMBERS:
        raise InputError(f"{zip_path} has {len(members):,} members")
    n_bytes = sum(member.file_size for member in members)
    if n_bytes > max(_MAX_RATIO * zip_path.stat().st_size, _HARMLESS_BYTES):
        raise InputError(f"{zip_path} cannot be unpacked: it would become {decimal(n_bytes)}")


def _faults(members: Sequence[zipfile.ZipInfo], top: str) -> dict[str, str]:
    """Returns what is wrong with members that must not be unpacked, by name."""
    uses = Counter(member.filename for member in members)
    faults = {}
    for member in members:
        name, parts = member.filename, PurePosixPath(member.filename).parts
        if parts[:1] != (top,) or ".." in parts or "\\" in name:
            faults[name] = f"is not in the folder {top}"
        elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            faults[name] = "is a link or a device"
        elif uses[name] > 1:
            faults[name] = "is there more than once"
        elif member.compress_type not in _METHODS:
            faults[name] = f"is compressed by method {member.compress_type}, expected bzip2"
    return faults


def _is_written(aside: Path, member: zipfile.ZipInfo) -> bool:
    path = aside / member.filename
    # Unlike that of a Path, `isfile` takes a name that the file system refuses for missing.
    is_there = not member.is_dir() and os.path.isfile(path)
    return is_there and path.stat().st_size == member.file_size


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise InputError(
            f"{folder.parent} has {decimal(free)} free, but {folder.name} needs another "
            f"{decimal(needed)}: free some space or choose another --to"
        )


def _extract_all(
    archive: zipfile.ZipFile,
    members: Sequence[zipfile.ZipInfo],
    aside: Path,
    advance: Callable[[int], None],
) -> dict[str, str]:
    """Returns what is wrong with members that could not be unpacked, by name."""

    def extract(member: zipfile.ZipInfo) -> str | None:
        try:
            _extract(archive, member, aside / member.filename, advance)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno not in (None, *_OF_NAMES):
                raise
            return f"cannot be unpacked: {error}"
        return None

    # Decompression lets other threads run.
    pool = futures.ThreadPoolExecutor(os.cpu_count())
    try:
        outcomes = zip(members, pool.map(extract, members), strict=True)
        return {member.filename: fault for member, fault in outcomes if fault}
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
