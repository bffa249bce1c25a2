"""What is in a zip, and whether it may be unpacked: nothing that an archive says is trusted."""

from __future__ import annotations

import dataclasses
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from common.errors import InputError

MAX_MEMBERS = 1_000_000  # fma_full has 106,576
# Text that bzip2 makes a hundredth of is not FMA's; a small zip may be what it likes.
_MAX_RATIO = 100
_HARMLESS_BYTES = 64 * 2**20
_MAX_NAME_BYTES = 255
_ENCRYPTED, _PATCH, _STRONGLY_ENCRYPTED = 0x1, 0x20, 0x40
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadArchive(InputError):
    """A zip is damaged, or holds what no archive should."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """What a zip holds, by its central directory.

    Attributes:
        top: the one folder that everything is in.
        files: its files, whose names are safe below any folder.
        folders: paths of the folders that are listed themselves.
    """

    top: str
    files: tuple[zipfile.ZipInfo, ...]
    folders: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Size of all files, unpacked."""
        return sum(info.file_size for info in self.files)


def listing(handle: IO[bytes], path: Path) -> Listing:
    """Returns what the zip in `handle` holds, once nothing in it is dangerous.

    Raises:
        BadArchive: naming the member and what is wrong with it.
    """
    try:
        with zipfile.ZipFile(handle) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
        raise BadArchive(f"{path} is no zip, or a damaged one: {error}") from error
    _check_extent(members, path)
    for info in members:
        if flaw := _flaw(info):
            raise BadArchive(f"{path} is not unpacked: its member {info.orig_filename!r} {flaw}")
    _check_tree(members, path)
    tops = {info.filename.split("/")[0] for info in members}
    files = tuple(info for info in members if not info.is_dir())
    if len(tops) != 1 or any("/" not in info.filename for info in files):
        raise BadArchive(f"{path} is not unpacked: it should hold one folder, as FMA's archives do")
    folders = tuple(info.filename.rstrip("/") for info in members if info.is_dir())
    return Listing(tops.pop(), files, folders)


def _check_extent(members: list[zipfile.ZipInfo], path: Path) -> None:
    """Raises BadArchive for too many members, or more bytes than an honest zip could give."""
    zip_bytes = path.stat().st_size
    unpacked = sum(info.file_size for info in members)
    if not members:
        raise BadArchive(f"{path} is not unpacked: it is empty")
    if len(members) > MAX_MEMBERS:
        raise BadArchive(f"{path} is not unpacked: {len(members):,} members are too many")
    if sum(info.compress_size for info in members) > zip_bytes:
        raise BadArchive(f"{path} is not unpacked: its members overlap")
    if unpacked > max(_MAX_RATIO * zip_bytes, _HARMLESS_BYTES):
        raise BadArchive(
            f"{path} is not unpacked: its {zip_bytes:,} bytes would become {unpacked:,}, "
            f"more than {_MAX_RATIO} times as many"
        )


def _flaw(info: zipfile.ZipInfo) -> str | None:
    """Returns why a member may not be unpacked, None where it may."""
    # zipfile cuts a name at a NUL; what stands in the zip is judged.
    if flaw := _name_flaw(info.orig_filename):
        return flaw
    if info.flag_bits & (_ENCRYPTED | _STRONGLY_ENCRYPTED):
        return "is encrypted"
    if info.flag_bits & _PATCH:
        return "is a patch of another file"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device, a pipe or a socket"
    if (kind == stat.S_IFDIR) != info.is_dir() and kind:
        return "is a folder by its mode and a file by its name, or the other way round"
    if info.is_dir() and info.file_size:
        return "is a folder with bytes in it"
    return None


def _name_flaw(name: str) -> str | None:
    if name.startswith("/") or _DRIVE.match(name):
        return "has an absolute name"
    if "\\" in name:
        return "has a backslash in its name"
    if _CONTROL.search(name):
        return "has a control character in its name"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of its folder by '..'"
    if "" in parts or "." in parts:
        return "has an empty part in its name"
    if max(len(part.encode("utf-8", "surrogateescape")) for part in parts) > _MAX_NAME_BYTES:
        return "has too long a name"
    return None


def _check_tree(members: list[zipfile.ZipInfo], path: Path) -> None:
    """Raises BadArchive where a name is there twice, or is a file's and a folder's."""
    seen: set[str] = set()
    files = {info.filename for info in members if not info.is_dir()}
    for info in members:
        name = info.filename.removesuffix("/")
        if name in seen:
            raise BadArchive(f"{path} is not unpacked: its member {name!r} is there twice")
        seen.add(name)
        if inside := next((above for above in _above(name) if above in files), None):
            raise BadArchive(
                f"{path} is not unpacked: its member {name!r} is inside {inside!r}, a file"
            )


def _above(name: str) -> Iterator[str]:
    end = name.find("/")
    while end >= 0:
        yield name[:end]
        end = name.find("/", end + 1)
