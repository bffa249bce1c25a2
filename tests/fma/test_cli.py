from __future__ import annotations

import hashlib
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from fma import archives
from fma.__main__ import main

MP3S = {f"000/{number:06}.mp3": random.Random(number).randbytes(40_000) for number in (2, 5, 10)}
TABLES = {"tracks.csv": b"track_id,\n2,\n", "genres.csv": b"genre_id,\n1,\n"}


@pytest.fixture
def download(site, tmp_path, fma_zip):
    """Runs the command against a mirror that has two archives of its own."""
    site.files["/fma/fma_small.zip"] = fma_zip(MP3S)
    site.files["/fma/fma_metadata.zip"] = fma_zip(TABLES, "fma_metadata")
    sums = {name: sha1(site.files[f"/fma/fma_{name}.zip"]) for name in ("small", "metadata")}

    def download(*arguments: str) -> int:
        flags = [f"--sha1={name}={value}" for name, value in sums.items()]
        where = ["--base-url", f"{site.url}/fma", "--to", str(tmp_path / "data")]
        return main(["download", *arguments, *where, *flags])

    return download


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_small_comes_with_its_metadata_and_without_zips(download, tmp_path, capsys):
    assert download("small") == 0
    data = contents(tmp_path / "data")
    assert {name: data[f"fma_small/{name}"] for name in MP3S} == MP3S
    assert {name: data[f"fma_metadata/{name}"] for name in TABLES} == TABLES
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        ".fma_metadata.unpacked.json",
        ".fma_small.unpacked.json",
        "fma_metadata",
        "fma_small",
    ]
    assert f"{tmp_path}/data/fma_small is complete\n" in capsys.readouterr().out


def test_a_second_call_asks_for_nothing(download, site, capsys):
    assert download("small") == 0
    site.asked.clear()
    capsys.readouterr()
    assert download("small") == 0
    assert site.asked == []
    assert capsys.readouterr().out.count("is complete; it is left as it is") == 2


def test_metadata_can_be_left_out_and_zips_kept(download, site, tmp_path):
    assert download("small", "--no-metadata", "--keep-zip") == 0
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        ".fma_small.unpacked.json",
        "fma_small",
        "fma_small.zip",
    ]
    assert [path for path, _, _ in site.asked] == ["/fma/fma_small.zip"]


def test_a_zip_that_is_there_is_checked_and_not_fetched(download, site, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fma_small.zip").write_bytes(site.files["/fma/fma_small.zip"])
    assert download("small", "--no-metadata") == 0
    assert site.asked == []


def test_a_zip_of_another_sum_is_neither_unpacked_nor_removed(download, tmp_path, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fma_small.zip").write_bytes(b"mine")
    assert download("small", "--no-metadata") == 2
    assert re.search(r"has the SHA-1 \w{40}, expected \w{40}: move it away", err(capsys))
    assert contents(tmp_path / "data") == {"fma_small.zip": b"mine"}


def test_a_wrong_sum_is_told_and_the_next_call_starts_anew(
    download, site, tmp_path, fma_zip, capsys
):
    good = site.files["/fma/fma_small.zip"]
    bad = fma_zip({"a.mp3": b"other"})
    site.files["/fma/fma_small.zip"] = bad
    assert download("small", "--no-metadata") == 1
    assert f"with the SHA-1 {sha1(bad)}, expected {sha1(good)}; it was removed" in err(capsys)
    assert contents(tmp_path / "data") == {}
    site.files["/fma/fma_small.zip"], site.etag = good, '"two"'
    assert download("small", "--no-metadata") == 0
    assert site.ranges == [None, None]


def test_after_an_outage_the_same_command_goes_on(download, site, tmp_path, capsys):
    site.cuts = [50_000]
    assert download("small", "--no-metadata", "--retries", "0") == 1
    assert "50.0 kB of it are kept, the same command goes on from there" in err(capsys)
    assert download("small", "--no-metadata", "--retries", "0") == 0
    assert site.ranges == [None, "bytes=50000-"]


def test_two_at_once_in_one_folder_are_refused(download, site, capsys):
    seen = []
    site.before_body = lambda: seen.append(download("small"))
    assert download("small", "--no-metadata") == 0
    assert seen == [2]
    assert "another `python -m fma` is at work in" in err(capsys)


def test_an_archive_with_another_folder_in_it_is_refused(site, tmp_path, fma_zip, capsys):
    site.files["/fma_small.zip"] = data = fma_zip(MP3S, "fma_large")
    arguments = ["--base-url", site.url, f"--sha1=small={sha1(data)}", "--to", str(tmp_path / "d")]
    assert main(["download", "small", "--no-metadata", *arguments]) == 2
    assert "holds the folder fma_large, expected fma_small" in err(capsys)
    assert sorted(contents(tmp_path / "d")) == ["fma_small.zip"]


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(download, site, tmp_path, fma_zip):
    data = site.files["/fma/fma_small.zip"]
    # A script's background job, which pytest may be, hands down that Ctrl-C is ignored.
    module = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('fma', run_name='__main__', alter_sys=True)"
    )
    command = [
        sys.executable, "-c", module, "download", "small", "--no-metadata",
        "--base-url", f"{site.url}/fma", "--to", str(tmp_path / "data"),
        f"--sha1=small={sha1(data)}",
    ]  # fmt: skip
    part = tmp_path / "data" / "fma_small.zip.part"
    site.cuts, site.statuses = [60_000], []
    process = subprocess.Popen(
        command, cwd=Path(archives.__file__).parents[1], stderr=subprocess.PIPE, text=True
    )
    while not (part.exists() and part.stat().st_size == 60_000) and process.poll() is None:
        time.sleep(0.01)
    # It waits a second for its next attempt now.
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (
        130,
        "interrupted; the same command goes on from here\n",
    )
    assert part.stat().st_size == 60_000
    assert download("small", "--no-metadata") == 0
    assert site.ranges == [None, "bytes=60000-"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["download", "tiny", "--to", "d"], "invalid choice: 'tiny'"),
        (["download", "small"], "--to"),
        (["download", "metadata", "--no-metadata", "--to", "d"], "exclude each other"),
        (["download", "small", "--to", "d", "--base-url", "ftp://a/b"], "http or https, got 'ftp:"),
        (["download", "small", "--to", "d", "--base-url", "file:///etc"], "http or https"),
        (["download", "small", "--to", "d", "--base-url", "http://[1"], "http or https"),
        (["download", "small", "--to", "d", "--retries", "-1"], "whole number from 0"),
        (["download", "small", "--to", "d", "--sha1", "small=abc"], "40 hex digits"),
        (["download", "small", "--to", "d", f"--sha1=small={'a' * 40}"], "needs --base-url"),
        (["to-wav", "a", "b", "--sample-rate", "5"], "from 1000 to 768000 Hz"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    line = err(capsys)
    assert message in line and line.count("\n") == 1


def test_a_target_that_is_a_file_is_bad_input(tmp_path, capsys):
    (tmp_path / "data").write_text("")
    assert main(["download", "small", "--to", str(tmp_path / "data")]) == 2
    assert "cannot be made a folder" in err(capsys)


def test_help_says_what_comes_and_how_much(capsys):
    with pytest.raises(SystemExit):
        main(["download", "--help"])
    text = capsys.readouterr().out
    for name, archive in archives.ARCHIVES.items():
        assert re.search(rf"{name} +{archive.size}", text)
    assert "metadata always among them unless --no-metadata" in text


def test_a_zip_from_elsewhere_is_unpacked_and_stays(tmp_path, fma_zip, capsys):
    (tmp_path / "fma_small.zip").write_bytes(fma_zip(MP3S, method=zipfile.ZIP_DEFLATED))
    arguments = ["unzip", str(tmp_path / "fma_small.zip"), "--to", str(tmp_path / "data")]
    assert main(arguments) == 0
    assert "is none of FMA's archives by its SHA-1" in capsys.readouterr().out
    data = contents(tmp_path / "data" / "fma_small")
    assert {name: data[name] for name in MP3S} == MP3S
    assert (tmp_path / "fma_small.zip").exists()
    assert main(arguments) == 0


def test_a_zip_of_fma_is_told_by_its_sum(tmp_path, fma_zip, capsys, monkeypatch):
    data = fma_zip(MP3S)
    known = archives.Archive("fma_small", sha1(data), "1 kB", "")
    monkeypatch.setitem(archives.ARCHIVES, "small", known)
    (tmp_path / "a.zip").write_bytes(data)
    assert main(["unzip", str(tmp_path / "a.zip"), "--to", str(tmp_path / "data")]) == 0
    assert "a.zip is FMA's fma_small.zip, by its SHA-1" in capsys.readouterr().out


def test_a_zip_that_is_not_there_is_bad_input(tmp_path, capsys):
    assert main(["unzip", str(tmp_path / "no.zip"), "--to", str(tmp_path)]) == 2
    assert "no.zip is no file" in err(capsys)


def test_the_sums_are_those_that_fma_publishes():
    assert {name: archive.sha1[:8] for name, archive in archives.ARCHIVES.items()} == {
        "metadata": "f0df49ff",
        "small": "ade154f7",
        "medium": "c67b69ea",
        "large": "497109f4",
        "full": "0f0ace23",
    }


def err(capsys) -> str:
    return capsys.readouterr().err
