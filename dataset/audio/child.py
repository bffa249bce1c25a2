"""The process that decodes for a `sandbox.Decoder`: one file after the other, within limits.

Run as a module; its first message has the settings, every other one a file. Its header is empty
where a clip is asked for, else it says which wav to write. The process ends when nobody can ask any
more, and after a file that has left it in doubt.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from common.config import from_json
from dataset.audio import wire
from dataset.audio.decoding import decode_clip
from dataset.audio.reading import MAX_FILE_BYTES
from dataset.audio.wav import write_wav
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig

_STATM = Path("/proc/self/statm")
# The parent ends what takes too long, if there still is a parent.
_GRACE_SECONDS = 10.0


def main() -> None:
    """Answers until the requests end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    requests, replies = _take_pipes()
    settings = wire.receive(requests, 0)
    if settings is None:
        return
    header, _ = settings
    config = from_json(AudioConfig, header["config"])
    _limit_memory(header["memory_limit_bytes"])
    wire.send(replies, {"ready": True})
    while _answer(requests, replies, config, header["time_limit_seconds"] + _GRACE_SECONDS):
        pass


def _take_pipes() -> tuple[BinaryIO, FileIO]:
    """Returns the two pipes, and leaves nothing for C libraries to print into.

    Some of the decoders print warnings, which would stand in the middle of a reply.
    """
    requests = os.fdopen(os.dup(0), "rb")
    replies = FileIO(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return requests, replies


def _limit_memory(more_bytes: int) -> None:
    """Limits the address space to what it is now and `more_bytes`, where that can be known."""
    if not _STATM.exists():
        return
    now = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = now + more_bytes
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _answer(requests: BinaryIO, replies: FileIO, config: AudioConfig, limit_seconds: float) -> bool:
    """Answers one request; returns whether another may follow."""
    body: bytes | memoryview = b""
    try:
        request = wire.receive(requests, MAX_FILE_BYTES)
        if request is None:
            return False
        signal.setitimer(signal.ITIMER_REAL, limit_seconds)
        wav, data = request
        if wav:
            header = _write_wav(data, wav)
        else:
            header, body = wire.clip_message(decode_clip(data, config))
        in_doubt = False
    except AudioError as error:
        header, in_doubt = wire.error_message(error), False
    except MemoryError:
        header, in_doubt = _crash("out of memory"), True
    except Exception as error:  # whatever a library raises is this file's fault, and is named
        header, in_doubt = _crash(f"{type(error).__name__}: {error}"), True
    signal.setitimer(signal.ITIMER_REAL, 0)
    wire.send(replies, header, body)
    return not in_doubt


def _write_wav(data: bytes, wav: wire.Header) -> wire.Header:
    try:
        write_wav(data, wav["path"], wav["sample_rate_hz"], wav["mono"])
    except OSError as error:  # such as a full disk, which is no fault of the file
        return wire.written_message(error.errno or errno.EIO)
    return wire.written_message()


def _crash(detail: str) -> wire.Header:
    return wire.error_message(AudioError(FaultKind.CRASHED, " ".join(detail.split())))


if __name__ == "__main__":
    main()
