"""The process that decodes for a `sandbox.Decoder`, one file after the other, and its messages.

A request is a file; its header names a wav to write, or nothing where a clip is wanted. The process
ends with its stdin, and after a file that may have left it damaged.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from common.config import from_json
from dataset.audio.decoding import decode_clip
from dataset.audio.wav import write_wav
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig

_MAX_HEADER_BYTES = 2**16
_STATM = Path("/proc/self/statm")
# Beyond the time limit, at which the parent kills this process, unless the parent is gone.
_GRACE_SECONDS = 10.0

Header = Mapping[str, Any]


def send(stream: IO[bytes], header: Header, body: bytes | memoryview = b"") -> None:
    """Writes a message: a line of JSON, which has the size of the body, and the body."""
    stream.write(json.dumps({**header, "n_bytes": len(body)}).encode() + b"\n")
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], max_body_bytes: int) -> tuple[Header, bytes] | None:
    """Returns the next message, or None where the other side has ended.

    Raises:
        ValueError, LookupError, TypeError, RecursionError: for what is no message, or too large.
    """
    line = stream.readline(_MAX_HEADER_BYTES)
    if not line or (not line.endswith(b"\n") and len(line) < _MAX_HEADER_BYTES):
        return None
    header = json.loads(line)
    n_bytes = header["n_bytes"]
    if not 0 <= n_bytes <= max_body_bytes:
        raise ValueError(f"expected at most {max_body_bytes} bytes, got {n_bytes}")
    body = stream.read(n_bytes)
    return (header, body) if len(body) == n_bytes else None


def main() -> None:
    """Answers until the requests end; the last argument has the settings."""
    config, time_limit_seconds, memory_limit_bytes = json.loads(sys.argv[-1])
    audio = from_json(AudioConfig, config)
    requests, replies = _take_pipes()
    _limit_memory(memory_limit_bytes)
    send(replies, {})  # the process is ready
    while _answer(requests, replies, audio, time_limit_seconds + _GRACE_SECONDS):
        pass


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Returns the two pipes; what C libraries print must not stand in the middle of a reply."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return requests, replies


def _limit_memory(more_bytes: int) -> None:
    """Limits the address space to `more_bytes` beyond what is used now; on Linux only."""
    if not _STATM.exists():
        return
    limit = int(_STATM.read_text().split()[0]) * resource.getpagesize() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(
    requests: IO[bytes], replies: IO[bytes], audio: AudioConfig, limit_seconds: float
) -> bool:
    """Answers one request; returns whether another may follow."""
    body: bytes | memoryview = b""
    try:
        request = receive(requests, sys.maxsize)
        if request is None:
            return False
        signal.setitimer(signal.ITIMER_REAL, limit_seconds)
        wav, data = request
        header, body = _write_wav(data, wav) if "path" in wav else _decode(data, audio)
    except AudioError as error:
        header = _fault(error.kind, error.detail)
    except MemoryError:
        header = _fault(FaultKind.CRASHED, "out of memory")
    except Exception as error:  # whatever a library raises is this file's fault, and is named
        header = _fault(FaultKind.CRASHED, f"{type(error).__name__}: {error}")
    signal.setitimer(signal.ITIMER_REAL, 0)
    send(replies, header, body)
    return header.get("kind") != FaultKind.CRASHED


def _decode(data: bytes, audio: AudioConfig) -> tuple[Header, memoryview]:
    header = dict(vars(decode_clip(data, audio)))
    pcm16 = header.pop("pcm16")
    return header, pcm16.data.cast("B")


def _write_wav(data: bytes, wav: Header) -> tuple[Header, bytes]:
    try:
        write_wav(data, wav["path"], wav["sample_rate_hz"], wav["mono"])
    except OSError as error:  # such as a full disk, which is no fault of the file
        return {"errno": error.errno or errno.EIO}, b""
    return {"errno": 0}, b""


def _fault(kind: FaultKind, detail: str) -> Header:
    # The header has a limit, and a detail is one line.
    return {"kind": kind.value, "detail": " ".join(detail.split())[:1000]}


if __name__ == "__main__":
    main()
