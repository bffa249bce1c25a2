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


@dataclasses.dataclass
class Site:
    """What the server has, how it misbehaves, and the Range headers that it was asked with.

    `statuses` are what the next requests are answered with, `cuts` after how many bytes of the body
    their connections end.
    """

    url: str = ""
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    knows_range: bool = True
    gives_length: bool = True
    statuses: list[int] = dataclasses.field(default_factory=list)
    cuts: list[int] = dataclasses.field(default_factory=list)
    ranges: list[str | None] = dataclasses.field(default_factory=list)
    before_body: Callable[[], None] = lambda: None


class _Handler(http.server.BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers["Range"]
        site.ranges.append(wanted)
        if site.statuses:
            self._end(site.statuses.pop(0))
        elif self.path not in site.files:
            self._end(404)
        else:
            self._send(site.files[self.path], wanted if site.knows_range else None)

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes, wanted: str | None) -> None:
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        start = int(found[1]) if found else 0
        if found and start >= len(data):
            self._end(416)
            return
        self.send_response(206 if found else 200)
        if self.site.gives_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.site.before_body()
        body = data[start:]
        with contextlib.suppress(ConnectionError):  # the client may have gone
            self.wfile.write(body[: self.site.cuts.pop(0)] if self.site.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    """Yield the server."""
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


@contextlib.contextmanager
def no_progress(title: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda amount: None


def sha1(data: bytes) -> str:
    """Return a hex digest."""
    return hashlib.sha1(data).hexdigest()


def make_zip(
    files: dict[str, bytes], top: str = "fma_small", method: int = zipfile.ZIP_BZIP2
) -> bytes:
    """Return a zip as FMA makes them: README.txt and the files, in one folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(f"{top}/README.txt", "part of the FMA")
        for name, data in files.items():
            archive.writestr(f"{top}/{name}", data)
    return stream.getvalue()
