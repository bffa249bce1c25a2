"""A bucket in memory, and a folder on the disk, filled alike."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest
from apache_beam.io.filesystem import CompressionTypes, FileMetadata, FileSystem

Fill = Callable[[Mapping[str, bytes]], str]
_OBJECTS: dict[str, bytes] = {}


class BucketInMemory(FileSystem):
    """What gs:// is to Beam: names with slashes, no folders, no links."""

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path, data in _OBJECTS.items():
            if path.startswith(dir_or_prefix):
                yield FileMetadata(path, len(data), 1.5)

    def open(
        self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO
    ) -> BinaryIO:
        if path not in _OBJECTS:
            raise FileNotFoundError(path)
        return io.BytesIO(_OBJECTS[path])

    def exists(self, path: str) -> bool:
        return path in _OBJECTS

    def size(self, path: str) -> int:
        return len(_OBJECTS[path])

    def _unused(self, *_: object) -> NoReturn:
        raise NotImplementedError

    last_updated = metadata = checksum = mkdirs = _unused
    create = copy = rename = delete = _unused


@pytest.fixture
def bucket() -> Iterator[Fill]:
    """Return a writer of {name: bytes} into a bucket, which returns the bucket's path."""

    def fill(objects: Mapping[str, bytes]) -> str:
        _OBJECTS.update({f"mem://bucket/{name}": data for name, data in objects.items()})
        return "mem://bucket"

    yield fill
    _OBJECTS.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Fill:
    """Return a writer of {name: bytes} into a folder of the disk, which returns its path."""

    def fill(objects: Mapping[str, bytes]) -> str:
        for name, data in objects.items():
            path = tmp_path / "disk" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(tmp_path / "disk")

    return fill


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Fill:
    """Return a writer into a folder of the disk, then one into a bucket."""
    return request.getfixturevalue(request.param)
