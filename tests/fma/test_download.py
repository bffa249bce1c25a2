from __future__ import annotations

import io
import random
import shutil
import threading
from collections import namedtuple
from pathlib import Path

import pytest
import requests
from rich.console import Console

from common.errors import InputError, OutageError
from fma import download
from fma.download import Part, fetch
from fma.meters import Reporter, _Lines

DATA = random.Random(1).randbytes(600_000)


@pytest.fixture
def get(site, tmp_path, reporter):
    site.files["/a.zip"] = DATA
    waits: list[float] = []

    def get(retries: int = 0, url: str = "") -> Part:
        url = url or f"{site.url}/a.zip"
        return fetch(url, tmp_path / "a.zip", reporter, retries=retries, wait=waits.append)

    get.waits = waits
    return get


def leave(tmp_path: Path, data: bytes, notes: str = "") -> None:
    (tmp_path / "a.zip.part").write_bytes(data)
    if notes:
        (tmp_path / "a.zip.part.json").write_text(notes)


def test_a_fresh_file_comes_in_one_request(site, get):
    assert get().path.read_bytes() == DATA
    assert site.asked == [("/a.zip", None, None)]


def test_after_a_cut_only_the_rest_of_the_same_version_is_asked_for(site, get, tmp_path):
    site.cuts = [250_000]
    with pytest.raises(OutageError, match="the same command goes on from there"):
        get()
    assert (tmp_path / "a.zip.part").read_bytes() == DATA[:250_000]
    assert get().path.read_bytes() == DATA
    assert site.asked[1:] == [("/a.zip", "bytes=250000-", '"one"')]


def test_cuts_are_retried_in_the_same_call_with_growing_waits(site, get):
    site.cuts = [100_000, 100_000, 100_000]
    assert get(retries=3).path.read_bytes() == DATA
    assert site.ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]
    assert get.waits == [1, 2, 4]


def test_retries_are_bounded_and_the_message_names_the_address(site, get):
    site.cuts = [0] * 9
    with pytest.raises(OutageError, match=r"127\.0\.0\.1.*3 attempts failed"):
        get(retries=2)
    assert len(site.asked) == 3


def test_progress_forgives_earlier_failures(site, get, monkeypatch):
    monkeypatch.setattr(download, "_FORGIVING_BYTES", 100_000)
    site.cuts = [100_000] * 5
    assert get(retries=1).path.read_bytes() == DATA
    assert get.waits == [1] * 5


def test_a_file_that_has_changed_is_fetched_from_its_start(site, get):
    site.cuts = [250_000]
    with pytest.raises(OutageError):
        get()
    site.files["/a.zip"], site.etag = DATA[::-1], '"two"'
    assert get().path.read_bytes() == DATA[::-1]
    assert site.ranges == [None, "bytes=250000-"]


@pytest.mark.parametrize("new", [{"etag": '"two"'}, {"etag_of_parts": '"two"'}])
def test_a_changed_file_is_noticed_though_the_server_ignores_if_range(site, get, new):
    site.cuts, site.honours_if_range = [250_000], False
    with pytest.raises(OutageError):
        get()
    site.files["/a.zip"] = DATA[::-1]
    for name, value in new.items():
        setattr(site, name, value)
    assert get(retries=1).path.read_bytes() == DATA[::-1]
    assert site.ranges == [None, "bytes=250000-", None]


def test_a_changed_length_is_noticed_without_an_etag(site, get):
    site.cuts, site.etag = [250_000], None
    with pytest.raises(OutageError):
        get()
    site.files["/a.zip"] = DATA[:400_000]
    assert get(retries=1).path.read_bytes() == DATA[:400_000]
    assert site.ranges == [None, "bytes=250000-", None]


def test_a_weak_etag_does_not_go_into_if_range(site, get):
    site.cuts, site.etag = [250_000], 'W/"one"'
    assert get(retries=1).path.read_bytes() == DATA
    assert site.asked[1] == ("/a.zip", "bytes=250000-", None)


def test_a_server_without_ranges_sends_everything_again(site, get):
    site.cuts, site.knows_range = [250_000], False
    assert get(retries=1).path.read_bytes() == DATA
    assert site.ranges == [None, "bytes=250000-"]


def test_a_part_longer_than_the_file_is_dropped(site, get, tmp_path):
    leave(tmp_path, DATA + b"more")
    assert get(retries=1).path.read_bytes() == DATA
    assert site.ranges == ["bytes=600004-", None]


def test_a_part_that_was_whole_is_not_asked_for_again(site, get, tmp_path):
    leave(tmp_path, DATA, '{"total": 600000}')
    assert get().path.read_bytes() == DATA
    assert site.asked == []


def test_a_whole_part_without_notes_is_told_by_416(site, get, tmp_path):
    leave(tmp_path, DATA, "broken notes")
    assert get().path.read_bytes() == DATA
    assert site.ranges == ["bytes=600000-"]


def test_a_file_of_unknown_length_comes_whole(site, get):
    site.gives_length = False
    assert get().path.read_bytes() == DATA


def test_server_errors_are_retried(site, get):
    site.statuses = [500, 503, 429]
    assert get(retries=3).path.read_bytes() == DATA


def test_a_missing_file_is_said_at_once_and_can_be_there_later(site, get):
    site.statuses = [404]
    with pytest.raises(InputError, match=r"404 Not Found for http://127.*a\.zip; --base-url"):
        get(retries=5)
    assert len(site.asked) == 1
    assert get().path.read_bytes() == DATA


def test_a_redirect_is_followed(site, get):
    site.files["/b.zip"] = DATA
    site.redirects["/a.zip"] = f"{site.url}/b.zip"
    assert get().path.read_bytes() == DATA
    assert [path for path, _, _ in site.asked] == ["/a.zip", "/b.zip"]


@pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/a.zip"])
def test_a_redirect_to_another_scheme_is_refused(site, get, where):
    site.redirects["/a.zip"] = where
    with pytest.raises(InputError, match="cannot be asked for"):
        get(retries=3)
    assert len(site.asked) == 1


def test_a_redirect_from_https_to_http_is_refused():
    answer = requests.Response()
    answer.status_code, answer.url = 200, "http://mirror.example/a.zip"
    with pytest.raises(
        InputError, match="leads to http://mirror.example/a.zip, which is not https"
    ):
        download._check_answer(answer, "https://mirror.example/a.zip")


def test_a_server_that_compresses_on_the_way_is_refused(site, get):
    site.encoding = "gzip"
    with pytest.raises(InputError, match="comes compressed"):
        get(retries=3)


def test_endless_redirects_end(site, get):
    site.redirects["/a.zip"] = "/a.zip"
    with pytest.raises(InputError, match="redirects"):
        get(retries=3)
    assert len(site.asked) == 6


def test_a_server_that_stalls_is_given_up(site, get, monkeypatch):
    release = threading.Event()
    site.before_body = lambda: release.wait(5) and None
    monkeypatch.setattr(download, "_TIMEOUT_SECONDS", (1, 0.1))
    with pytest.raises(OutageError, match="did not answer in time"):
        get()
    release.set()


def test_no_server_is_an_outage(get):
    with pytest.raises(OutageError, match="there was no connection"):
        get(url="http://127.0.0.1:1/a.zip")


def test_a_disk_without_room_is_said_before_anything_is_written(get, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 1_199_999))
    with pytest.raises(InputError, match=r"1\.2 MB free.*choose another --to"):
        get()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 1_200_000))
    assert get().size == len(DATA)


def test_ctrl_c_leaves_a_part_from_which_the_next_call_goes_on(site, get, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_Lines, "advance", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get()
    kept = (tmp_path / "a.zip.part").stat().st_size
    assert 0 < kept < len(DATA)
    assert get().path.read_bytes() == DATA
    assert site.asked[1:] == [("/a.zip", f"bytes={kept}-", '"one"')]


def test_progress_is_told_in_lines_where_there_is_no_terminal(site, get, tmp_path):
    text = io.StringIO()
    reporter = Reporter(Console(file=text), seconds_between_lines=0)
    fetch(f"{site.url}/a.zip", tmp_path / "a.zip", reporter, retries=0)
    last = text.getvalue().splitlines()[-1]
    assert last.startswith("a.zip: 600.0 kB of 600.0 kB, ") and last.endswith("0:00:00 left")


def test_a_terminal_gets_a_bar(site, get, tmp_path):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    fetch(f"{site.url}/a.zip", tmp_path / "a.zip", Reporter(console), retries=0)
    assert "a.zip" in text.getvalue() and "600.0/600.0 kB" in text.getvalue()
