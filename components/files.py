"""The one file layer: local paths and `gs://` alike, through Beam's file systems."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import IO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


def join(base: str, *parts: str) -> str:
    """Returns the path of `parts` below `base`."""
    return str(FileSystems.join(base, *parts))


def exists(path: str) -> bool:
    """Returns whether a file or folder is there."""
    return bool(FileSystems.exists(path))


def sizes(pattern: str) -> dict[str, int]:
    """Returns {path: bytes} of the files that match a glob pattern."""
    (matched,) = FileSystems.match([pattern])
    return {found.path: found.size_in_bytes for found in matched.metadata_list}


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
    if exists(destination):
        FileSystems.delete([destination])
    FileSystems.rename([source], [destination])
