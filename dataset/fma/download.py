"""FMA's archives: where they are, and getting one of them.

Names, sizes and sums are those of the README of github.com/mdeff/fma, of the release of 2017-05-09,
the current one.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import requests
import urllib3
from rich.filesize import decimal

from common.errors import InputError, OutageError
from common.folders import require_room
from common.progress import ProgressBar
from dataset.fma.unpack import unpack

BASE_URL = "https://os.unil.cloud.switch.ch/fma"
_TIMEOUT_SECONDS = (15, 60)  # to connect, and between two blocks
_BLOCK_BYTES = 2**18
_LONGEST_WAIT_SECONDS = 60
_TEMPORARY_STATUS = (408, 425, 429)


class Archive(NamedTuple):
    """A zip of FMA.

    Attributes:
        name: of the folder in it; the zip is called so, too.
        sha1: hex digest of the zip.
        size: of the zip, in words.
        content: what is in it, in words.
    """

    name: str
    sha1: str
    size: str
    content: str


ARCHIVES = {
    "metadata": Archive(
        "fma_metadata", "f0df49ffe5f2a6008d7dc83c6915b31835dfe733", "342 MiB",
        "tracks.csv, genres.csv, features.csv",
    ),
    "small": Archive(
        "fma_small", "ade154f733639d52e35e32f5593efe5be76c6d70", "7.2 GiB",
        "8,000 clips of 30 s, 8 balanced genres",
    ),
    "medium": Archive(
        "fma_medium", "c67b69ea232021025fca9231fc1c7c1a063ab50b", "22 GiB",
        "25,000 clips of 30 s, 16 genres",
    ),
    "large": Archive(
        "fma_large", "497109f4dd721066b5ce5e5f250ec604dc78939e", "93 GiB",
        "106,574 clips of 30 s, 161 genres",
    ),
    "full": Archive(
        "fma_full", "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab", "879 GiB",
        "106,574 untrimmed tracks, 161 genres",
    ),
}  # fmt: skip


def get(
    archive: Archive,
    to: Path,
    progress: ProgressBar,
    *,
    base_url: str = BASE_URL,
    retries: int = 5,
    keep_zip: bool = False,
) -> Path:
    """Returns the folder of an archive below `to`, downloaded, checked and unpacked if need be.

    A folder that is there is left as it is; a zip that is there is checked and not downloaded.

    Raises:
        InputError: where the zip that is there is another one, or the disk has no room.
        OutageError: where the server does not give the zip.
    """
    folder, zip_path = to / archive.name, to / f"{archive.name}.zip"
    if folder.exists():
        return folder
    url = f"{base_url.rstrip('/')}/{zip_path.name}"
    is_there = zip_path.exists()
    candidate = zip_path if is_there else fetch(url, zip_path, progress, retries=retries)
    found = _sha1(candidate, progress)
    if found != archive.sha1:
        wrong = f"the SHA-1 {found}, expected {archive.sha1}"
        if is_there:
            raise InputError(f"{zip_path} has {wrong}: move it away and run the command again")
        candidate.unlink()
        raise OutageError(f"{url} has {wrong}; it was removed: run the command again")
    candidate.replace(zip_path)
    unpack(zip_path, folder, progress)
    if not keep_zip:
        zip_path.unlink()
    return folder


def fetch(
    url: str,
    target: Path,
    progress: ProgressBar,
    *,
    retries: int,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Downloads a file to `target` with `.part` appended, and returns that path.

    A part that is there is continued if the server can. Whether it is still the same file there is
    for the caller to check, by its digest.

    Args:
        url: of http or https.
        target: where the file is to be in the end.
        progress: shows the bytes.
        retries: how often in a row an attempt may fail without a byte.
        wait: sleeps for so many seconds.

    Raises:
        InputError: where the address is wrong, or the disk has no room.
        OutageError: where the server does not give the file.
    """
    part = target.with_name(f"{target.name}.part")
    failures = 0
    with requests.Session() as session:
        while True:
            before = _size(part)
            try:
                with contextlib.closing(_ask(session, url, before)) as response:
                    if response.status_code == 416:  # nothing is missing
                        return part
                    _receive(response, part, progress)
                return part
            except (requests.ConnectionError, requests.Timeout) as error:
                reason: Exception = error
            except urllib3.exceptions.HTTPError as error:
                reason = error
            except (requests.RequestException, UnicodeError) as error:
                raise InputError(f"{url} cannot be downloaded: {error}") from error
            failures = 1 if _size(part) > before else failures + 1
            if failures > retries:
                raise OutageError(
                    f"{url}: {failures} attempts failed, the last with: {reason}; "
                    f"{decimal(_size(part))} are kept, the same command continues from there"
                )
            wait(min(2 ** (failures - 1), _LONGEST_WAIT_SECONDS))


def _ask(session: requests.Session, url: str, offset: int) -> requests.Response:
    # Compressed on the way, a file would have other offsets.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    response = session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS)
    status = response.status_code
    if status in (200, 206) or (status == 416 and offset):
        return response
    response.close()
    answer = f"the server answered {status} {response.reason}"
    if 400 <= status < 500 and status not in _TEMPORARY_STATUS:
        raise InputError(f"{answer} for {url}; --base-url names another address")
    raise requests.ConnectionError(answer)


def _receive(response: requests.Response, part: Path, progress: ProgressBar) -> None:
    start = _size(part) if response.status_code == 206 else 0
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    title = part.name.removesuffix(".part")
    if total is not None:  # the zip, and its folder, which is hardly smaller
        require_room(part.parent, 2 * total - _size(part), f"{title} and its folder")
    with open(part, "ab" if start else "wb") as file, progress(title, total, start) as advance:
        for block in _blocks(response):
            file.write(block)
            advance(len(block))
    if total is not None and _size(part) != total:
        raise requests.ConnectionError("the connection was cut")


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """Yields the body as it comes.

    Where the connection is cut, urllib3 2 drops what `read`, and so requests' `iter_content`, has
    of a block; its `read1` gives that first, as 1.26's `read` does.
    """
    read = getattr(response.raw, "read1", response.raw.read)
    while block := read(_BLOCK_BYTES):
        yield block


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha1(path: Path, progress: ProgressBar) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    title = f"checking {path.name.removesuffix('.part')}"
    with open(path, "rb") as file, progress(title, path.stat().st_size, 0) as advance:
        while block := file.read(2**20):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()
