"""A real HTTP server on 127.0.0.1 that misbehaves as told, and small zips in FMA's shape."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.server
import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from fma.meters import Reporter


@dataclasses.dataclass
class Site:
    """What the server has, how it misbehaves, and what it was asked.

    `statuses` are what the next requests are answered with, `cuts` after how many bytes of the
    body their connections end; the switches stay as they are.
    """

    url: str = ""
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    etag: str | None = '"one"'
    etag_of_parts: str | None = None
    encoding: str | None = None
    knows_range: bool = True
    honours_if_range: bool = True
    gives_length: bool = True
    redirects: dict[str, str] = dataclasses.field(default_factory=dict)
    statuses: list[int] = dataclasses.field(default_factory=list)
    cuts: list[int] = dataclasses.field(default_factory=list)
    asked: list[tuple[str, str | None, str | None]] = dataclasses.field(default_factory=list)
    before_body: Callable[[], None] = lambda: None

    @property
    def ranges(self) -> list[str | None]:
        return [wanted for _, wanted, _ in self.asked]


class _Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        site.asked.append((self.path, wanted, condition))
        if site.statuses:
            self._end(site.statuses.pop(0))
        elif self.path in site.redirects:
            self._end(302, Location=site.redirects[self.path])
        elif self.path not in site.files:
            self._end(404)
        else:
            self._send(site.files[self.path], wanted, condition)

    def _end(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _send(self, data: bytes, wanted: str | None, condition: str | None) -> None:
        site = self.site
        whole = not wanted or not site.knows_range
        if condition and site.honours_if_range and condition != site.etag:
            whole = True
        start = 0 if whole else int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
        if start >= len(data) and start:
            self._end(416, Content_Range=f"bytes */{len(data)}")
            return
        self.send_response(200 if whole else 206)
        if not whole:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if etag := site.etag if whole else site.etag_of_parts or site.etag:
            self.send_header("ETag", etag)
        if site.encoding:
            self.send_header("Content-Encoding", site.encoding)
        if site.gives_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        site.before_body()
        body = data[start:]
        with contextlib.suppress(ConnectionError):  # the client may have gone
            self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with server:
        yield site
        server.shutdown()
    thread.join()


@pytest.fixture
def reporter() -> Reporter:
    return Reporter(Console(file=io.StringIO()))


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def make_zip(
    files: dict[str, bytes], top: str = "fma_small", method: int = zipfile.ZIP_BZIP2
) -> bytes:
    """Returns a zip as FMA makes them: README.txt, checksums and the files, in one folder."""
    sums = "".join(f"{sha1(data)}  {name}\n" for name, data in files.items())
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(f"{top}/README.txt", "part of the FMA")
        archive.writestr(f"{top}/checksums", sums)
        for name, data in files.items():
            archive.writestr(f"{top}/{name}", data)
    return stream.getvalue()


@pytest.fixture
def fma_zip() -> Callable[..., bytes]:
    return make_zip
