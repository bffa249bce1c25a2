"""How the process that decodes and the one that asks it talk: JSON and raw bytes over pipes."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

import numpy as np

from dataset.audio.decoding import Clip
from dataset.bad_files import AudioError, FaultKind

_SIZES = struct.Struct(">IQ")  # bytes of the header, bytes of the body
_MAX_HEADER_BYTES = 2**16

Header = Mapping[str, Any]


class Sink(Protocol):
    """What can be written to; it may take less than it is given."""

    def write(self, data: memoryview, /) -> int | None:
        """Returns how many bytes it took."""


def send(sink: Sink, header: Header, body: bytes | memoryview = b"") -> None:
    """Writes one message: a header that is JSON, and bytes that are not copied."""
    text = json.dumps(header).encode()
    for part in (_SIZES.pack(len(text), len(body)) + text, body):
        left = memoryview(part)
        while left:
            left = left[sink.write(left) :]


def receive(source: BinaryIO, most_bytes: int) -> tuple[Header, bytes] | None:
    """Returns the next message, or None where the other side has ended.

    Args:
        source: a buffered reader.
        most_bytes: of the body.

    Raises:
        ValueError: for what is no message, or too large a one.
    """
    start = source.read(_SIZES.size)
    if len(start) < _SIZES.size:
        return None
    header_bytes, body_bytes = _SIZES.unpack(start)
    if header_bytes > _MAX_HEADER_BYTES or body_bytes > most_bytes:
        raise ValueError(f"message of {header_bytes} and {body_bytes} bytes")
    text, body = source.read(header_bytes), source.read(body_bytes)
    if len(text) < header_bytes or len(body) < body_bytes:
        return None
    return json.loads(text), body


def clip_message(clip: Clip) -> tuple[Header, memoryview]:
    """Returns the header and the body that stand for a clip."""
    header = {
        "source_rate_hz": clip.source_rate_hz,
        "source_channels": clip.source_channels,
        "duration_seconds": clip.duration_seconds,
        "near_silent": clip.near_silent,
        "out_of_phase": clip.out_of_phase,
    }
    return header, clip.pcm16.data.cast("B")


def error_message(error: AudioError) -> Header:
    """Returns the header that stands for an error."""
    # The header has a limit, and a detail is one line.
    return {"kind": error.kind.value, "detail": error.detail[:1000]}


def clip_of(header: Header, body: bytes) -> Clip:
    """Returns the clip that a reply stands for.

    Raises:
        AudioError: where it stands for one.
        ValueError, KeyError: where it stands for neither.
    """
    _check_fault(header)
    return Clip(
        np.frombuffer(body, "<i2"),
        int(header["source_rate_hz"]),
        int(header["source_channels"]),
        float(header["duration_seconds"]),
        bool(header["near_silent"]),
        bool(header["out_of_phase"]),
    )


def written_message(errno: int = 0) -> Header:
    """Returns the header that stands for a wav, or for the system's error in writing one."""
    return {"errno": errno}


def check_written(header: Header, _: bytes) -> None:
    """Makes sure that a reply stands for a wav that has been written.

    Raises:
        AudioError: where it stands for one.
        OSError: where the wav could not be written.
        ValueError, KeyError: where it stands for none of these.
    """
    _check_fault(header)
    if header["errno"]:
        raise OSError(header["errno"], os.strerror(header["errno"]))


def _check_fault(header: Header) -> None:
    if "kind" in header:
        raise AudioError(FaultKind(header["kind"]), str(header["detail"]))
