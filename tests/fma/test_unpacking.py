from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import stat
import struct
import sys
import tracemalloc
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from common.errors import InputError
from fma import members, sums, unpacking, zips
from fma.zips import BadArchive

FILES = {
    "000/000002.mp3": random.Random(2).randbytes(150_000),
    "000/000005.mp3": b"",
    "154/154308.mp3": bytes(3_000_000),
    "notes/ünï.txt": "ü".encode() * 70_000,
}
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


@pytest.fixture
def unpack(tmp_path, reporter):
    def unpack(data: bytes) -> Path:
        path = tmp_path / "in.zip"
        path.write_bytes(data)
        (tmp_path / "out").mkdir(exist_ok=True)
        return unpacking.unpack(path, tmp_path / "out", hashlib.sha1(data).hexdigest(), reporter)

    return unpack


def members_zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def patched(data: bytes, name: str, field: str, value: int, *, local: bool = False) -> bytes:
    """Returns a zip in which one field of a member's header has another value."""
    places = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "size": (24, "<I")}
    name_at, offset = 46, places[field][0]
    signature = b"PK\1\2"
    if local:
        signature, name_at, offset = b"PK\3\4", 30, offset - 2
    at = data.index(name.encode(), data.index(signature) if not local else 0) - name_at
    while data[at : at + 4] != signature:
        at = data.index(name.encode(), at + name_at + 1) - name_at
    patch = struct.pack(places[field][1], value)
    return data[: at + offset] + patch + data[at + offset + len(patch) :]


def nothing_is_there(tmp_path: Path) -> bool:
    return list((tmp_path / "out").iterdir()) == [] and not (tmp_path / "evil").exists()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_was_packed_comes_out(unpack, fma_zip, method, tmp_path):
    folder = unpack(fma_zip(FILES, method=method))
    assert folder == tmp_path / "out" / "fma_small"
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == [".fma_small.unpacked.json", "fma_small"]


def test_large_zips_by_zip64_come_out(unpack, fma_zip):
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive,
        archive.open("fma_small/a.mp3", "w", force_zip64=True) as member,
    ):
        member.write(FILES["000/000002.mp3"])
    folder = unpack(stream.getvalue())
    assert (folder / "a.mp3").read_bytes() == FILES["000/000002.mp3"]


def test_names_that_differ_by_case_alone_are_two_files(unpack):
    folder = unpack(members_zip(("top/a.mp3", b"one"), ("top/A.mp3", b"two")))
    assert sorted(path.name for path in folder.iterdir()) == ["A.mp3", "a.mp3"]


def test_empty_folders_come_out(unpack):
    folder = unpack(members_zip(("top/", b""), ("top/empty/", b""), ("top/a", b"a")))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "empty"]


HOSTILE = {
    "absolute": (members_zip(("/evil", b"x")), "absolute name"),
    "up": (members_zip(("top/../../evil", b"x")), r"'\.\.'"),
    "up at the end": (members_zip(("top/..", b"x")), r"'\.\.'"),
    "drive": (members_zip(("C:/evil", b"x")), "absolute name"),
    "backslash": (members_zip(("top\\..\\evil", b"x")), "backslash"),
    "dot": (members_zip(("top/./a", b"x")), "empty part"),
    "double slash": (members_zip(("top//a", b"x")), "empty part"),
    "newline": (members_zip(("top/a\nb", b"x")), "control character"),
    "long": (members_zip(("top/" + 256 * "a", b"x")), "too long"),
    "link": (members_zip((with_mode("top/a", stat.S_IFLNK | 0o777), b"/etc")), "symbolic link"),
    "link to a folder, then through it": (
        members_zip((with_mode("top/a", stat.S_IFLNK | 0o777), b".."), ("top/a/evil", b"x")),
        "symbolic link",
    ),
    "device": (members_zip((with_mode("top/a", stat.S_IFCHR | 0o666), b"")), "device"),
    "pipe": (members_zip((with_mode("top/a", stat.S_IFIFO | 0o666), b"")), "pipe"),
    "folder by mode": (members_zip((with_mode("top/a", stat.S_IFDIR | 0o777), b"x")), "mode"),
    "file and folder": (members_zip(("top/a", b"x"), ("top/a/b", b"x")), "inside 'top/a', a file"),
    "file and folder of one name": (members_zip(("top/a", b"x"), ("top/a/", b"")), "twice"),
    "two tops": (members_zip(("one/a", b"x"), ("two/a", b"x")), "should hold one folder"),
    "no top": (members_zip(("a", b"x")), "should hold one folder"),
    "empty": (members_zip(), "is empty"),
    "no zip": (b"no zip at all", "is no zip"),
    "encrypted": (patched(members_zip(("top/a", b"x")), "top/a", "flags", 1), "encrypted"),
    "longer than said": (
        patched(members_zip(("top/a", bytes(10**6))), "top/a", "size", 10),
        "longer than the 10 bytes",
    ),
    "shorter than said": (
        patched(members_zip(("top/a", bytes(100))), "top/a", "size", 1000),
        "has 100 bytes, the zip says 1,000",
    ),
    "wrong CRC": (
        patched(members_zip(("top/a", b"abc")), "top/a", "crc", 1),
        "'top/a' is damaged: its CRC",
    ),
    "bomb by its own account": (members_zip(("top/a", bytes(70 * 2**20))), "100 times"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_leaves_nothing(unpack, tmp_path, name):
    data, message = HOSTILE[name]
    with pytest.raises(BadArchive, match=message):
        unpack(data)
    assert nothing_is_there(tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(unpack, tmp_path):
    with pytest.raises(BadArchive, match="'top/a' is there twice"):
        unpack(members_zip(("top/a", b"one"), ("top/a", b"two")))
    assert nothing_is_there(tmp_path)


def test_a_name_that_ends_at_a_nul_is_refused(unpack, tmp_path):
    data = members_zip(("top/a_b", b"x")).replace(b"top/a_b", b"top/a\0b")
    with pytest.raises(BadArchive, match="control character"):
        unpack(data)
    assert nothing_is_there(tmp_path)


def test_too_many_members_are_refused(unpack, monkeypatch):
    monkeypatch.setattr(zips, "MAX_MEMBERS", 2)
    with pytest.raises(BadArchive, match="3 members are too many"):
        unpack(members_zip(*((f"top/{number}", b"") for number in range(3))))


def test_members_that_share_their_data_are_refused(unpack, tmp_path):
    data = members_zip(("top/a", random.Random(3).randbytes(5000)), ("top/b", b"x"))
    end = data.rindex(b"PK\5\6")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    first = data[start : start + 46 + len("top/a")]
    directory = b"".join(first.replace(b"top/a", b"top/" + name) for name in (b"a", b"b"))
    tail = data[end : end + 12] + struct.pack("<II", len(directory), start) + b"\0\0"
    with pytest.raises(BadArchive, match="overlap"):
        unpack(data[:start] + directory + tail)


def test_a_bomb_of_bzip2_that_lies_of_its_size_costs_no_memory(unpack, tmp_path):
    # 400 MB of zeros; zipfile decompresses all of it at once, whatever is asked for.
    data = members_zip(("top/a", bytes(4 * 10**8)), method=zipfile.ZIP_BZIP2)
    assert len(data) < 1000
    tracemalloc.start()
    with pytest.raises(BadArchive, match="longer than the 10 bytes"):
        unpack(patched(data, "top/a", "size", 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20
    assert nothing_is_there(tmp_path)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_damage_goes_unnoticed(unpack, tmp_path, method):
    content = random.Random(4).randbytes(300) * 3
    good = members_zip(("top/a", content), method=method)
    directory = good.rindex(b"PK\1\2")
    for seed in range(60):
        chance = random.Random(seed)
        damaged = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(35, directory)] ^= chance.randrange(1, 256)
        try:
            folder = unpack(bytes(damaged))
        except BadArchive:
            assert nothing_is_there(tmp_path)
        else:
            # Such as in what LZMA says of its own version, which nobody reads.
            assert (folder / "a").read_bytes() == content
            shutil.rmtree(tmp_path / "out")


def test_a_zip_that_was_cut_is_refused(unpack, fma_zip, tmp_path):
    with pytest.raises(BadArchive, match="no zip, or a damaged one"):
        unpack(fma_zip(FILES)[:-30])
    assert nothing_is_there(tmp_path)


def test_a_member_whose_data_are_not_there_is_refused(tmp_path):
    (tmp_path / "in.zip").write_bytes(members_zip(("top/a", b"abc")))
    with open(tmp_path / "in.zip", "rb") as handle:
        (info,) = zips.listing(handle, tmp_path / "in.zip").files
        info.header_offset = 20
        with pytest.raises(BadArchive, match="not where the zip says"):
            list(members.blocks(handle.fileno(), info))


def test_a_file_that_fmas_own_list_denies_is_refused(unpack, tmp_path):
    listed = f"{'0' * 40}  tracks.csv\n".encode()
    data = members_zip(("fma_metadata/checksums", listed), ("fma_metadata/tracks.csv", b"x"))
    with pytest.raises(BadArchive, match=r"fma_metadata/tracks\.csv has the SHA-1 11f6.*says 0000"):
        unpack(data)
    assert nothing_is_there(tmp_path)


def test_a_file_that_fmas_own_list_has_and_the_zip_has_not_is_refused(unpack):
    listed = f"{'0' * 40}  tracks.csv\n".encode()
    with pytest.raises(BadArchive, match="no such file"):
        unpack(members_zip(("fma_metadata/checksums", listed)))


def test_lists_of_sums_are_read_as_sha1sum_writes_them():
    one, two = "a" * 40, "b" * 40
    text = f"{one}  000/000002.mp3\n{two.upper()} *a b.csv\n# {one}\n\n{one[:39]}  short\n"
    assert sums.parse(text) == {"000/000002.mp3": one, "a b.csv": two}


def test_a_second_call_leaves_the_folder_as_it_is(unpack, fma_zip):
    data = fma_zip(FILES)
    times = {path: path.stat().st_mtime_ns for path in unpack(data).rglob("*")}
    folder = unpack(data)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times


def test_a_folder_from_elsewhere_is_not_touched(unpack, fma_zip, tmp_path):
    (tmp_path / "out" / "fma_small").mkdir(parents=True)
    (tmp_path / "out" / "fma_small" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="was not unpacked by this command: move"):
        unpack(fma_zip(FILES))
    assert os.listdir(tmp_path / "out" / "fma_small") == ["mine.txt"]


def test_a_folder_of_which_files_are_missing_is_told(unpack, fma_zip):
    data = fma_zip(FILES)
    (unpack(data) / "000" / "000002.mp3").unlink()
    with pytest.raises(InputError, match="has 5 files of .* but 6 of .* were unpacked"):
        unpack(data)


def test_a_folder_of_another_zip_is_told(unpack, fma_zip):
    unpack(fma_zip(FILES))
    with pytest.raises(InputError, match="from another zip, with SHA-1"):
        unpack(fma_zip({"a": b"b"}))


def test_an_interrupted_unpacking_goes_on(unpack, fma_zip, tmp_path, monkeypatch):
    data = fma_zip(FILES)
    real, made = members.blocks, []

    def broken(descriptor, info):
        if info.filename.endswith("000002.mp3"):
            yield next(real(descriptor, info))
            raise KeyboardInterrupt
        yield from real(descriptor, info)

    def counted(descriptor, info):
        made.append(info.filename)
        return real(descriptor, info)

    monkeypatch.setattr(unpacking.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(members, "blocks", broken)
    with pytest.raises(KeyboardInterrupt):
        unpack(data)
    assert not (tmp_path / "out" / "fma_small").exists()
    monkeypatch.setattr(members, "blocks", counted)
    folder = unpack(data)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert "fma_small/000/000002.mp3" in made and "fma_small/README.txt" not in made
    assert len(os.listdir(tmp_path / "out")) == 2


def test_a_damaged_file_of_an_interrupted_unpacking_is_made_again(unpack, fma_zip, tmp_path):
    data = fma_zip(FILES)
    name = f".fma_small-{hashlib.sha1(data).hexdigest()[:12]}.unpacking"
    leftover = tmp_path / "out" / name / "fma_small" / "000" / "000002.mp3"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(bytes(len(FILES["000/000002.mp3"])))
    assert (unpack(data) / "000/000002.mp3").read_bytes() == FILES["000/000002.mp3"]


def test_a_disk_without_room_is_said_before_anything_is_written(
    unpack, fma_zip, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 10**6))
    with pytest.raises(InputError, match="fma_small needs another 3.* free some space"):
        unpack(fma_zip(FILES))
    assert nothing_is_there(tmp_path)


# --- methods that Python has not ---

# Does what 7-Zip does, with the tests' own Python: the members were stored under a wrong number.
FAKE_7Z = """#!{python}
import pathlib, sys
folder = next(a[2:] for a in sys.argv if a.startswith("-o"))
if "fail" in {mode!r}:
    sys.exit("ERROR: unsupported method")
for name, data in {files!r}.items():
    path = pathlib.Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
if "link" in {mode!r}:
    pathlib.Path(folder, "top/link").symlink_to("/etc")
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Puts a program called 7z on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(files: dict[str, bytes], mode: str = "") -> None:
        script = FAKE_7Z.format(python=sys.executable, files=files, mode=mode)
        (folder / "7z").write_text(script)
        (folder / "7z").chmod(0o755)

    return put


def of_unknown_method() -> bytes:
    data = members_zip(("top/a", b"abc"), ("top/b/c", b"de"), method=zipfile.ZIP_STORED)
    return patched(data, "top/a", "method", 93)


def test_a_method_that_python_has_not_names_what_to_install(unpack, programs, tmp_path):
    with pytest.raises(InputError, match=r"number 93\): install 7-Zip \(package 7zip"):
        unpack(of_unknown_method())
    assert not (tmp_path / "out" / "top").exists()


def test_a_method_that_python_has_not_is_left_to_another_program(unpack, programs, tmp_path):
    programs({"top/a": b"abc", "top/b/c": b"de"})
    folder = unpack(of_unknown_method())
    assert (folder / "a").read_bytes() == b"abc" and (folder / "b" / "c").read_bytes() == b"de"
    stamp = json.loads((tmp_path / "out" / ".top.unpacked.json").read_text())
    assert (stamp["files"], stamp["bytes"]) == (2, 5)


@pytest.mark.parametrize(
    "files, mode, message",
    [
        ({"top/a": b"abc", "top/b/c": b"d!"}, "", "'top/b/c' did not come out whole"),
        ({"top/a": b"abc"}, "", "left out a file: 'top/b/c'"),
        ({"top/a": b"abc", "top/b/c": b"de", "top/x": b""}, "", "does not list: 'top/x'"),
        ({"top/a": b"abc", "top/b/c": b"de"}, "link", "does not list: 'top/link'"),
        ({"top/a": bytes(10**6), "top/b/c": b"de"}, "", "7z could not unpack"),
        ({}, "fail", "7z could not unpack .*: ERROR: unsupported method"),
    ],
)
def test_what_another_program_did_is_checked(unpack, programs, tmp_path, files, mode, message):
    programs(files, mode)
    with pytest.raises(BadArchive, match=message):
        unpack(of_unknown_method())
    assert nothing_is_there(tmp_path)


def test_a_dangerous_name_is_refused_before_another_program_sees_it(unpack, programs, tmp_path):
    programs({"top/a": b"abc"})
    data = members_zip(("top/a", b"abc"), ("top/../../evil", b"x"), method=zipfile.ZIP_STORED)
    with pytest.raises(BadArchive, match="leads out"):
        unpack(patched(data, "top/a", "method", 93))
    assert nothing_is_there(tmp_path)


@pytest.mark.skipif(
    not any(shutil.which(name) for name in ("7z", "7zz", "7za", "bsdtar")),
    reason="no other program is installed",
)
def test_the_program_of_this_machine_unpacks(unpack, fma_zip, monkeypatch):
    monkeypatch.setattr(members, "METHODS", (zipfile.ZIP_STORED,))
    folder = unpack(fma_zip(FILES))
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
