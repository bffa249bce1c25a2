"""From a zip to a folder: everything is checked, and nothing is in place before all of it is."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

from rich.filesize import decimal

from common.errors import InputError
from fma import members, other_programs, sums, zips
from fma.meters import Meter, Reporter
from fma.zips import BadArchive, Listing

_CHECKSUMS = "checksums"  # FMA's own list, in each of its archives


@dataclasses.dataclass(frozen=True)
class Stamp:
    """What was unpacked into a folder: SHA-1 of the zip, and what came out."""

    sha1: str
    files: int
    bytes: int


def stamp_path(folder: Path) -> Path:
    """Returns where the stamp of a folder is: beside it, for its content is FMA's alone."""
    return folder.with_name(f".{folder.name}.unpacked.json")


def is_complete(folder: Path, sha1: str) -> bool:
    """Returns whether the folder holds all that the zip with this sum does; False for no folder.

    Raises:
        InputError: where there is another folder, or one from which files are missing.
    """
    if not folder.exists():
        return False
    aside = f"move {folder} away, or choose another --to"
    try:
        stamp = Stamp(**json.loads(stamp_path(folder).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise InputError(
            f"{folder} is there, but was not unpacked by this command: {aside}"
        ) from None
    if stamp.sha1 != sha1:
        raise InputError(
            f"{folder} was unpacked from another zip, with SHA-1 {stamp.sha1}: {aside}"
        )
    n_files, n_bytes = _extent(folder)
    if n_files < stamp.files or n_bytes < stamp.bytes:
        raise InputError(
            f"{folder} has {n_files:,} files of {n_bytes:,} bytes, but {stamp.files:,} of "
            f"{stamp.bytes:,} were unpacked: {aside}"
        )
    return True


def _extent(folder: Path) -> tuple[int, int]:
    """Returns the number and the bytes of all files in a folder."""
    n_files = n_bytes = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            n_files += 1
            n_bytes += os.lstat(os.path.join(parent, name)).st_size
    return n_files, n_bytes


def unpack(
    zip_path: Path, to: Path, sha1: str, reporter: Reporter, *, top: str | None = None
) -> Path:
    """Unpacks a zip and returns the folder below `to` that it makes.

    Goes on where it was interrupted: a file that is there and has its CRC is not made again.

    Args:
        zip_path: the zip, which holds one folder.
        to: where that folder goes.
        sha1: of the zip, for the stamp.
        reporter: where progress is told.
        top: name that the folder must have, if any.

    Raises:
        BadArchive: where the zip is damaged or dangerous; nothing is left of it then.
        InputError: where the folder is there already, or the disk has no room.
    """
    with open(zip_path, "rb") as handle:
        listing = zips.listing(handle, zip_path)
        if top not in (None, listing.top):
            raise BadArchive(f"{zip_path} holds the folder {listing.top}, expected {top}")
        folder = to / listing.top
        if is_complete(folder, sha1):
            return folder
        aside = to / f".{listing.top}-{sha1[:12]}.unpacking"
        _check_room(listing, to, aside)
        try:
            digests = _extract(handle.fileno(), zip_path, listing, aside, reporter)
            _check_sums(digests, aside, listing.top)
        except BadArchive:
            shutil.rmtree(aside, ignore_errors=True)
            raise
    stamp = Stamp(sha1, len(listing.files), listing.n_bytes)
    # Before the folder is in place: without it, a stamp is nothing, and it is nothing without one.
    stamp_path(folder).write_text(json.dumps(dataclasses.asdict(stamp)), encoding="utf-8")
    (aside / listing.top).rename(folder)
    shutil.rmtree(aside)  # empty but for what an earlier run was cut at
    return folder


def _check_room(listing: Listing, to: Path, aside: Path) -> None:
    need = listing.n_bytes - _extent(aside)[1]
    free = shutil.disk_usage(to).free
    if need > free:
        raise InputError(
            f"{to} has {decimal(free)} free, but {listing.top} needs another {decimal(need)}: free "
            "some space or choose another --to"
        )


def _extract(
    descriptor: int, zip_path: Path, listing: Listing, aside: Path, reporter: Reporter
) -> dict[str, str]:
    """Makes all files below `aside` and returns their SHA-1 hex digests by name in the zip."""
    unknown = {info.compress_type for info in listing.files} - set(members.METHODS)
    if unknown:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        reporter.say(f"unpacking {zip_path.name} with a program of this machine")
        other_programs.extract(zip_path, listing, aside, unknown)
    for folder in {*listing.folders, *(os.path.dirname(info.filename) for info in listing.files)}:
        (aside / folder).mkdir(parents=True, exist_ok=True)
    title = "checking" if unknown else "unpacking"
    with reporter.step(f"{title} {listing.top}", listing.n_bytes) as meter:
        return _digests(descriptor, listing, aside, meter, made_already=bool(unknown))


def _digests(
    descriptor: int, listing: Listing, aside: Path, meter: Meter, *, made_already: bool
) -> dict[str, str]:
    stop = threading.Event()

    def make(info: zipfile.ZipInfo) -> str:
        path = aside / info.filename
        if made_already or path.exists():
            with contextlib.suppress(BadArchive):
                return _consume(other_programs.blocks_of_file(path, info), meter, stop)
            if made_already:
                raise BadArchive(f"the zip's member {info.filename!r} did not come out whole")
        # One for each thread: a file that was cut while it was written is in nobody's way.
        part = aside / f".{threading.get_ident()}.part"
        digest = _consume(_written(part, members.blocks(descriptor, info)), meter, stop)
        part.replace(path)
        return digest

    # Decompressing and hashing let other threads run.
    with futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            digests = pool.map(make, listing.files)
            names = (info.filename for info in listing.files)
            return dict(zip(names, digests, strict=True))
        finally:
            # After an error or Ctrl-C, for what is under way and what has not begun.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _written(path: Path, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the blocks as they come, each after it was written to the file."""
    with open(path, "wb") as file:
        for block in blocks:
            file.write(block)
            yield block


def _consume(blocks: Iterator[bytes], meter: Meter, stop: threading.Event) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for block in blocks:
        if stop.is_set():
            raise futures.CancelledError
        digest.update(block)
        meter.advance(len(block))
    return digest.hexdigest()


def _check_sums(digests: dict[str, str], aside: Path, top: str) -> None:
    """Raises BadArchive where a file is not what FMA's own list of sums says."""
    path = aside / top / _CHECKSUMS
    if not path.is_file():
        return
    for name, expected in sums.parse(path.read_text(encoding="utf-8", errors="replace")).items():
        found = digests.get(f"{top}/{name}")
        if found != expected:
            raise BadArchive(
                f"{top}/{name} has the SHA-1 {found or '(there is no such file)'}, but the "
                f"archive's own list says {expected}"
            )
