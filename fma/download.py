"""One file over HTTP, however often the connection is cut.

What has come is kept in `NAME.part`, and beside it what the server said of the file, so that only
the rest is asked for, and only of the very same file (RFC 9110, 13.1.5 and 14).
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
import urllib3
from rich.filesize import decimal

from common.errors import InputError, OutageError
from fma.meters import Reporter

_TIMEOUT_SECONDS = (15, 60)  # to connect, and between two pieces
_BLOCK_BYTES = 2**18
_MAX_REDIRECTS = 5
_LONGEST_WAIT_SECONDS = 60
# After so much has come, what failed before is forgotten: a file of 879 GiB takes days.
_FORGIVING_BYTES = 16 * 2**20
_TEMPORARY_STATUS = (408, 425, 429)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class _TryAgain(Exception):
    """An attempt failed, the next one may not."""


@dataclasses.dataclass(frozen=True)
class _Notes:
    """What the server said of the file: its length, and what tells it from a later version."""

    total: int | None = None
    etag: str | None = None
    last_modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What may stand in If-Range, where a weak ETag may not."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def differ(self, other: _Notes) -> bool:
        """Returns whether the two cannot be of the same version."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return any(None not in (one, two) and one != two for one, two in pairs)


class Part:
    """What has come of a file so far."""

    def __init__(self, target: Path):
        """Names the files beside `target`, whether they are there or not."""
        self.path = target.with_name(f"{target.name}.part")
        self._notes_path = target.with_name(f"{target.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return self.path.stat().st_size if self.path.exists() else 0

    def discard(self) -> None:
        """Removes it, so that the next attempt starts anew."""
        self.path.unlink(missing_ok=True)
        self._notes_path.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        """Moves it to its place."""
        self.path.replace(target)
        self._notes_path.unlink(missing_ok=True)

    def read_notes(self) -> _Notes:
        """Returns what was noted; nothing where that cannot be read."""
        try:
            return _Notes(**json.loads(self._notes_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return _Notes()

    def write_notes(self, notes: _Notes) -> None:
        """Keeps what the server said."""
        text = json.dumps(dataclasses.asdict(notes))
        self._notes_path.write_text(text, encoding="utf-8")


def fetch(
    url: str,
    target: Path,
    reporter: Reporter,
    *,
    retries: int,
    wait: Callable[[float], None] = time.sleep,
) -> Part:
    """Returns the whole file at `url` as a part beside `target`; goes on with one that is there.

    Args:
        url: of http or https.
        target: where the file is to be in the end.
        reporter: where progress is told.
        retries: how often in a row an attempt may fail before this one does.
        wait: sleeps for so many seconds.

    Raises:
        InputError: where the address is wrong, or the disk has no room.
        OutageError: where the server did not give the file.
    """
    part = Part(target)
    failures = 0
    with requests.Session() as session:
        session.max_redirects = _MAX_REDIRECTS
        while True:
            before = part.size
            try:
                _attempt(session, url, part, reporter)
                return part
            except (_TryAgain, requests.ConnectionError, requests.Timeout) as error:
                reason = _reason(error)
            except urllib3.exceptions.ReadTimeoutError as error:
                reason = _reason(error)
            except urllib3.exceptions.HTTPError:
                reason = "the connection was cut"
            except (requests.RequestException, UnicodeError) as error:
                raise InputError(f"{url} cannot be asked for: {error}") from error
            failures = 1 if part.size - before >= _FORGIVING_BYTES else failures + 1
            if failures > retries:
                raise OutageError(
                    f"{url} did not come, {failures} attempts failed, the last because {reason}; "
                    f"{decimal(part.size)} of it are kept, the same command goes on from there"
                )
            seconds = min(2 ** (failures - 1), _LONGEST_WAIT_SECONDS)
            reporter.say(f"{target.name}: {reason}; next attempt in {seconds} s")
            wait(seconds)


def _reason(error: Exception) -> str:
    if isinstance(error, _TryAgain):
        return str(error)
    timeouts = (requests.Timeout, urllib3.exceptions.TimeoutError)
    if isinstance(error, timeouts) or "timed out" in str(error):
        return "the server did not answer in time"
    return "there was no connection, or it was cut"


def _attempt(session: requests.Session, url: str, part: Part, reporter: Reporter) -> None:
    """Asks once for what is missing of the part.

    Raises:
        _TryAgain, requests.RequestException: where that is not all there now.
    """
    notes, offset = part.read_notes(), part.size
    if offset and offset == notes.total:
        return
    headers = _headers(notes, offset)
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as response:
        _check_answer(response, url)
        if response.status_code == 416:
            _check_complete(response, part, offset)
            return
        start, told = _what_comes(response)
        if start and (start != offset or told.differ(notes)):
            part.discard()
            raise _TryAgain("the file has changed on the server")
        _check_room(part, told.total, offset)
        _append(response, part, start, told, reporter)


def _headers(notes: _Notes, offset: int) -> dict[str, str]:
    # Compressed on the way, a file would have other offsets.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if notes.validator:
            headers["If-Range"] = notes.validator
    return headers


def _check_answer(response: requests.Response, url: str) -> None:
    if url.startswith("https:") and not response.url.startswith("https:"):
        raise InputError(f"{url} leads to {response.url}, which is not https")
    status = response.status_code
    if status in (200, 206, 416):
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise InputError(f"{url} comes compressed, though that was not asked for")
        return
    answer = f"the server answered {status} {response.reason}"
    if 400 <= status < 500 and status not in _TEMPORARY_STATUS:
        raise InputError(f"{answer} for {url}; --base-url names another address")
    raise _TryAgain(answer)


def _check_complete(response: requests.Response, part: Part, offset: int) -> None:
    """Returns where 416 means that nothing is missing."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found and found[2] == str(offset):
        return
    part.discard()
    raise _TryAgain("more is here than the server has")


def _what_comes(response: requests.Response) -> tuple[int, _Notes]:
    """Returns the first byte of what the server sends, and what it says of the whole file."""
    headers = response.headers
    etag, last_modified = headers.get("ETag"), headers.get("Last-Modified")
    if response.status_code == 200:
        length = headers.get("Content-Length", "")
        return 0, _Notes(int(length) if length.isdecimal() else None, etag, last_modified)
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if not found or found[1] is None:
        raise _TryAgain("the server sent a part of the file and did not say which")
    total = None if found[2] == "*" else int(found[2])
    return int(found[1]), _Notes(total, etag, last_modified)


def _check_room(part: Part, total: int | None, offset: int) -> None:
    """Raises InputError where zip and folder, which is hardly smaller, will not fit on the disk."""
    if total is None:
        return
    need, free = 2 * total - offset, shutil.disk_usage(part.path.parent).free
    if need > free:
        raise InputError(
            f"{part.path.parent} has {decimal(free)} free, but {part.path.stem} and its folder "
            f"need another {decimal(need)}: free some space or choose another --to"
        )


def _append(
    response: requests.Response, part: Part, start: int, notes: _Notes, reporter: Reporter
) -> None:
    step = reporter.step(part.path.stem, notes.total, start)
    with open(part.path, "r+b" if start else "wb") as file, step as meter:
        file.seek(start)
        # Only now: notes of this version must not stand beside bytes of another.
        part.write_notes(notes)
        for block in _blocks(response):
            file.write(block)
            meter.advance(len(block))
    if notes.total is not None and part.size < notes.total:
        raise _TryAgain("the connection was cut")
    if notes.total is not None and part.size > notes.total:
        part.discard()
        raise _TryAgain("more came than the server had announced")


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """Yields the body as it comes.

    Where the connection is cut, urllib3 2 drops what `read`, and so requests' `iter_content`, has
    of a block; its `read1` gives that first, as 1.26's `read` does.
    """
    read = getattr(response.raw, "read1", response.raw.read)
    while block := read(_BLOCK_BYTES):
        yield block
