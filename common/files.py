"""The one file layer: local paths and `gs://` alike, through Beam's file systems."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from typing import IO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

_BUCKET = re.compile(r"gs://[^/]+/?")


def join(base: str, *parts: str) -> str:
    """Returns the path of `parts` below `base`."""
    return str(FileSystems.join(base, *parts))


def exists(path: str) -> bool:
    """Returns whether a file or folder is there."""
    return bool(FileSystems.exists(path))


def folder_exists(path: str) -> bool:
    """Returns whether a folder is there; in a bucket, which has no folders, whether it has a file.

    Beam's `exists` asks for an object of the very name, and no folder of a bucket is one; nor is a
    whole bucket, which it refuses to be asked for.
    """
    if not _BUCKET.fullmatch(path) and exists(path):
        return True
    (found,) = FileSystems.match([join(path, "**")], limits=[1])
    return bool(found.metadata_list)


def matching(pattern: str) -> list[str]:
    """Returns the paths of the files that match a glob pattern, sorted."""
    return [path for path, _, _ in listing(pattern)]


def fingerprint(pattern: str) -> str:
    """Returns a SHA-256 hex digest of the names, sizes and times of the files that match."""
    digest = hashlib.sha256()
    for found in listing(pattern):
        digest.update(repr(found).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def digest(path: str) -> str:
    """Returns a SHA-256 hex digest of what is in a file."""
    found = hashlib.sha256()
    with open_binary(path) as handle:
        while block := handle.read(2**20):
            found.update(block)
    return found.hexdigest()


def listing(pattern: str) -> list[tuple[str, int, float]]:
    """Returns (path, size in bytes, time of the last change) of the files that match, sorted."""
    (matched,) = FileSystems.match([pattern])
    return sorted(
        (found.path, found.size_in_bytes, found.last_updated_in_seconds)
        for found in matched.metadata_list
    )


@contextlib.contextmanager
def open_binary(path: str) -> Iterator[IO[bytes]]:
    """Opens a file for reading as it is, never decompressed for its name."""
    handle = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    with contextlib.closing(handle):
        yield handle


def write_text(path: str, text: str) -> None:
    """Writes a UTF-8 file aside and moves it into place."""
    aside = f"{path}.tmp"
    handle = FileSystems.create(aside, compression_type=CompressionTypes.UNCOMPRESSED)
    with contextlib.closing(handle):
        # A file name need not be UTF-8; what cannot be encoded is shown as an escape.
        handle.write(text.encode("utf-8", "backslashreplace"))
    move(aside, path)


def read_text(path: str) -> str:
    """Returns the text of a UTF-8 file."""
    with open_binary(path) as handle:
        return handle.read().decode("utf-8")


def move(source: str, destination: str) -> None:
    """Renames a file; replaces one that is already there."""
    FileSystems.rename([source], [destination])
