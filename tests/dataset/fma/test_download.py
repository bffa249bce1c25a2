"""Downloading over a real server that cuts, changes and refuses."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.errors import InputError, OutageError
from dataset.fma.download import Archive, fetch, get
from tests.dataset.fma.conftest import Site, make_zip, no_progress, sha1

DATA = random.Random(1).randbytes(300_000)
MP3S = {f"000/{number:06}.mp3": random.Random(number).randbytes(40_000) for number in (2, 5)}

Fetch = Callable[..., bytes]


@pytest.fixture
def waits() -> list[float]:
    """Return the seconds that were waited."""
    return []


@pytest.fixture
def fetched(site: Site, tmp_path: Path, waits: list[float]) -> Fetch:
    """Return what downloads the file of the site and returns its bytes."""
    site.files["/a.zip"] = DATA

    def fetched(retries: int = 3) -> bytes:
        url = f"{site.url}/a.zip"
        path = fetch(url, tmp_path / "a.zip", no_progress, retries=retries, wait=waits.append)
        return path.read_bytes()

    return fetched


@pytest.mark.parametrize("gives_length", [True, False])
def test_a_file_comes_in_one_request(site: Site, fetched: Fetch, gives_length: bool) -> None:
    site.gives_length = gives_length
    assert fetched() == DATA
    assert site.ranges == [None]


def test_after_a_cut_only_the_rest_is_asked_for(
    site: Site, fetched: Fetch, waits: list[float]
) -> None:
    site.cuts = [100_000, 0, 50_000]
    assert fetched() == DATA
    assert site.ranges == [None, *[f"bytes={n}-" for n in (100_000, 100_000, 150_000)]]
    assert waits == [1, 2, 1]


def test_the_next_call_continues_and_a_whole_part_is_not_sent_again(
    site: Site, fetched: Fetch, tmp_path: Path
) -> None:
    site.cuts = [70_000]
    with pytest.raises(OutageError, match="70.0 kB are kept"):
        fetched(retries=0)
    assert fetched() == DATA
    assert fetched() == DATA
    assert site.ranges == [None, "bytes=70000-", "bytes=300000-"]


def test_a_server_without_ranges_sends_everything_again(site: Site, fetched: Fetch) -> None:
    site.knows_range, site.cuts = False, [100_000]
    assert fetched() == DATA


def test_outages_are_retried_and_bounded(site: Site, fetched: Fetch) -> None:
    site.statuses = [503, 429, 500]
    assert fetched() == DATA
    site.statuses, before = [503] * 9, len(site.ranges)
    with pytest.raises(OutageError, match=f"{site.url}/a.zip: 3 attempts failed.*503"):
        fetched(retries=2)
    assert len(site.ranges) == before + 3


def test_no_server_is_an_outage(tmp_path: Path, waits: list[float]) -> None:
    with pytest.raises(OutageError):
        fetch("http://127.0.0.1:9/a", tmp_path / "a", no_progress, retries=1, wait=waits.append)


def test_a_missing_file_is_said_at_once(site: Site, fetched: Fetch) -> None:
    site.files.clear()
    with pytest.raises(InputError, match="404.*--base-url"):
        fetched()
    assert len(site.ranges) == 1


def test_a_disk_without_room_is_said_before_anything_is_written(
    fetched: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=599_999))
    with pytest.raises(InputError, match="free some space"):
        fetched()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small(site: Site, tmp_path: Path) -> Archive:
    """Return an archive that the site has."""
    data = site.files["/fma_small.zip"] = make_zip(MP3S)
    return Archive("fma_small", sha1(data), "", "")


def test_an_archive_becomes_a_folder_and_a_second_call_asks_for_nothing(
    site: Site, small: Archive, tmp_path: Path
) -> None:
    for _ in range(2):
        folder = get(small, tmp_path, no_progress, base_url=site.url)
        assert {name: (folder / name).read_bytes() for name in MP3S} == MP3S
        assert list(tmp_path.iterdir()) == [folder]
    assert len(site.ranges) == 1


def test_a_download_of_another_sum_is_removed(site: Site, small: Archive, tmp_path: Path) -> None:
    site.files["/fma_small.zip"] = make_zip({**MP3S, "000/000002.mp3": b"other"})
    with pytest.raises(OutageError, match=f"expected {small.sha1}"):
        get(small, tmp_path, no_progress, base_url=site.url)
    assert not list(tmp_path.iterdir())


def test_a_file_that_changes_between_two_attempts_is_not_taken(
    site: Site, small: Archive, tmp_path: Path
) -> None:
    site.cuts = [30_000]
    with pytest.raises(OutageError):
        get(small, tmp_path, no_progress, base_url=site.url, retries=0)
    site.files["/fma_small.zip"] = site.files["/fma_small.zip"][::-1]
    with pytest.raises(OutageError, match="was removed"):
        get(small, tmp_path, no_progress, base_url=site.url)


def test_a_zip_that_is_there_is_checked_and_stays_if_it_is_another(
    site: Site, small: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "fma_small.zip"
    path.write_bytes(b"another zip")
    with pytest.raises(InputError, match="move it away"):
        get(small, tmp_path, no_progress, base_url=site.url)
    assert path.read_bytes() == b"another zip"
    path.write_bytes(site.files["/fma_small.zip"])
    get(small, tmp_path, no_progress, base_url=site.url, keep_zip=True)
    assert path.exists()
    assert site.ranges == []
