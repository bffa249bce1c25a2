"""Unpacking real zips, honest and hostile."""

from __future__ import annotations

import contextlib
import errno
import io
import random
import shutil
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError
from dataset.fma.unpack import unpack
from tests.dataset.fma.conftest import make_zip, no_progress

MP3S = {
    f"{number // 10:03}/{number:06}.mp3": random.Random(number).randbytes(40_000)
    for number in (2, 5, 10, 11)
}


def unpacked(tmp_path: Path, data: bytes) -> dict[str, bytes]:
    """Unpack a zip and return the files of its folder."""
    (tmp_path / "fma_small.zip").write_bytes(data)
    folder = tmp_path / "fma_small"
    unpack(tmp_path / "fma_small.zip", folder, no_progress)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(tmp_path: Path, data: bytes) -> str:
    """Return why a zip is refused, which leaves no folder and nothing outside of its own."""
    with pytest.raises(InputError) as caught:
        unpacked(tmp_path, data)
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"fma_small.zip", ".fma_small.unpacking"}
    return str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_what_was_packed_comes_out(tmp_path: Path, method: int) -> None:
    found = unpacked(tmp_path, make_zip(MP3S, method=method))
    assert {name: found[name] for name in MP3S} == MP3S
    assert {path.name for path in tmp_path.iterdir()} == {"fma_small", "fma_small.zip"}


def test_zip64_and_empty_folders_come_out(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("fma_small/empty/", "")
        with archive.open("fma_small/000002.mp3", "w", force_zip64=True) as file:
            file.write(b"x" * 1000)
    assert unpacked(tmp_path, stream.getvalue()) == {"000002.mp3": b"x" * 1000}
    assert (tmp_path / "fma_small" / "empty").is_dir()


def member(name: str, mode: int = 0) -> zipfile.ZipInfo:
    """Return a member of a mode, such as that of a link."""
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16
    return found


OUTSIDE = "is not in the folder fma_small"


@pytest.mark.parametrize(
    ("hostile", "expected"),
    [
        *((member(name), f"{name!r} {OUTSIDE}") for name in (
            "/etc/passwd", "../up", "fma_small/../../up", "fma_small\\..\\up", "another/2.mp3",
        )),
        *((member("fma_small/x", kind | 0o644), "'fma_small/x' is a link or a device") for kind in (
            stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR,
        )),
        (member("fma_small/000/000002.mp3"), "is there more than once"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_must_not_be_unpacked_is_named_before_anything_is_written(
    tmp_path: Path, hostile: zipfile.ZipInfo, expected: str
) -> None:
    stream = io.BytesIO(make_zip(MP3S))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(hostile, "hostile")
    assert expected in refused(tmp_path, stream.getvalue())
    assert [path.name for path in tmp_path.rglob("*")] == ["fma_small.zip"]


def test_another_compression_is_named(tmp_path: Path) -> None:
    assert "by method 14" in refused(tmp_path, make_zip(MP3S, method=zipfile.ZIP_LZMA))


def test_what_is_no_fault_of_the_zip_is_not_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def may_not(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", may_not)
    with pytest.raises(PermissionError):
        unpacked(tmp_path, make_zip(MP3S))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_a_member_that_is_larger_than_it_says_costs_no_memory(tmp_path: Path, method: int) -> None:
    data = make_zip({"zeros": bytes(64 * 2**20)}, method=method)
    lying = data.replace((64 * 2**20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    (tmp_path / "fma_small.zip").write_bytes(lying)
    written: list[int] = []

    @contextlib.contextmanager
    def progress(*_: object) -> Iterator[Callable[[int], None]]:
        yield written.append

    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="zeros' cannot be unpacked"):
            unpack(tmp_path / "fma_small.zip", tmp_path / "fma_small", progress)
        assert sum(written) < 2**20
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        *("README.txt", "fma_small.zip")
    }


@pytest.mark.parametrize(("ratio", "is_bomb"), [(95, False), (105, True)])
def test_a_bomb_is_refused_by_its_size(tmp_path: Path, ratio: int, is_bomb: bool) -> None:
    random_bytes = random.Random(0).randbytes(100_000)
    zeros = bytes(ratio * 100_000)  # which take next to nothing
    bomb = make_zip({"random": random_bytes, "zeros": zeros})
    if is_bomb:
        assert "it would become 10.6 MB" in refused(tmp_path, bomb)
    else:
        assert unpacked(tmp_path, bomb)["zeros"] == zeros


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_damage_and_a_cut_are_noticed(tmp_path: Path, method: int) -> None:
    data = bytearray(make_zip(MP3S, method=method))
    data[data.index(b"000005.mp3") + 20_000] ^= 0xFF
    assert "000005.mp3' cannot be unpacked" in refused(tmp_path, bytes(data))
    aside = tmp_path / ".fma_small.unpacking" / "fma_small"
    assert not list(aside.rglob("*.part"))
    for broken in (bytes(data[:-30]), b"no zip at all"):
        assert "cannot be unpacked" in refused(tmp_path, broken)


def test_an_interrupted_unpacking_continues(tmp_path: Path) -> None:
    aside = tmp_path / ".fma_small.unpacking" / "fma_small" / "000"
    aside.mkdir(parents=True)
    (aside / "000002.mp3").write_bytes(MP3S["000/000002.mp3"])
    (aside / "000005.mp3").write_bytes(b"half")
    (aside / "000005.mp3.part").write_bytes(b"half")
    before = (aside / "000002.mp3").stat().st_ino
    found = unpacked(tmp_path, make_zip(MP3S))
    assert {name: found[name] for name in MP3S} == MP3S
    assert not any(name.endswith(".part") for name in found)
    assert (tmp_path / "fma_small" / "000" / "000002.mp3").stat().st_ino == before


def test_a_disk_without_room_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    assert "free some space" in refused(tmp_path, make_zip(MP3S))
