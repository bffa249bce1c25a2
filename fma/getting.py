"""From an address to a folder: download, check, unpack, each only where it is not done yet."""

from __future__ import annotations

from pathlib import Path

from common.errors import InputError, OutageError
from fma import unpacking
from fma.archives import Archive
from fma.download import fetch
from fma.meters import Reporter
from fma.sums import sha1_of


def get(
    archive: Archive, base_url: str, to: Path, reporter: Reporter, *, retries: int, keep_zip: bool
) -> Path:
    """Returns the folder of an archive, which is there and whole then.

    Args:
        archive: which one.
        base_url: address of the folder that the zip is in.
        to: folder that the zip and its folder go to.
        reporter: where progress is told.
        retries: how often in a row the connection may fail.
        keep_zip: whether the zip stays after it was unpacked.

    Raises:
        InputError: where there is something else in the way, or the disk has no room.
        OutageError: where the server does not give the zip, or another one.
    """
    folder = to / archive.name
    if unpacking.is_complete(folder, archive.sha1):
        reporter.say(f"{folder} is complete; it is left as it is")
        return folder
    zip_path = _checked_zip(archive, base_url, to, reporter, retries)
    unpacking.unpack(zip_path, to, archive.sha1, reporter, top=archive.name)
    if not keep_zip:
        zip_path.unlink()
    reporter.say(f"{folder} is complete")
    return folder


def _checked_zip(
    archive: Archive, base_url: str, to: Path, reporter: Reporter, retries: int
) -> Path:
    zip_path = to / archive.zip_name
    if zip_path.exists():
        found = sha1_of(zip_path, reporter)
        if found != archive.sha1:
            raise InputError(
                f"{zip_path} has the SHA-1 {found}, expected {archive.sha1}: move it away, and the "
                "same command downloads it"
            )
        return zip_path
    url = f"{base_url.rstrip('/')}/{archive.zip_name}"
    part = fetch(url, zip_path, reporter, retries=retries)
    found = sha1_of(part.path, reporter)
    if found != archive.sha1:
        part.discard()
        raise OutageError(
            f"{url} came with the SHA-1 {found}, expected {archive.sha1}; it was removed without "
            "being unpacked, the same command downloads it anew"
        )
    part.become(zip_path)
    return zip_path
