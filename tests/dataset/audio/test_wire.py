"""Messages: what goes in comes out, and what is none is refused."""

from __future__ import annotations

import io
import os
import threading

import numpy as np
import pytest

from dataset.audio import wire
from dataset.audio.decoding import Clip
from dataset.bad_files import AudioError, FaultKind


class Dribble(io.BytesIO):
    """Takes three bytes at a time."""

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        return super().write(data[:3])


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 10])
def test_a_message_there_and_back(body: bytes) -> None:
    stream = Dribble()
    wire.send(stream, {"one": 1, "two": "zwei ü"}, body)
    stream.seek(0)
    assert wire.receive(stream, len(body)) == ({"one": 1, "two": "zwei ü"}, body)
    assert wire.receive(stream, 0) is None


def test_messages_larger_than_a_pipe() -> None:
    reading, writing = os.pipe()
    body = np.random.default_rng(0).bytes(3_000_000)
    with open(reading, "rb") as source, io.FileIO(writing, "w") as sink:
        sender = threading.Thread(target=wire.send, args=(sink, {}, body))
        sender.start()
        assert wire.receive(source, len(body)) == ({}, body)
        sender.join()


def message(body: bytes) -> bytes:
    stream = io.BytesIO()
    wire.send(stream, {"one": 1}, body)
    return stream.getvalue()


@pytest.mark.parametrize("kept", range(0, 30, 3))
def test_a_message_that_breaks_off_is_none(kept: int) -> None:
    whole = message(b"0123456789")
    assert len(whole) > 30
    assert wire.receive(io.BytesIO(whole[:kept]), 10) is None


@pytest.mark.parametrize("data", [message(b"12345"), b"Warning: something is off\n", b"\xff" * 100])
def test_what_is_too_large_or_no_message(data: bytes) -> None:
    with pytest.raises(ValueError, match="message of"):
        wire.receive(io.BytesIO(data), 4)


def test_a_clip_there_and_back() -> None:
    samples = np.arange(-5, 5, dtype=np.int16)
    clip = Clip(samples, 44_100, 2, 1.234567890123, near_silent=True, out_of_phase=True)
    stream = io.BytesIO()
    wire.send(stream, *wire.clip_message(clip))
    stream.seek(0)
    received = wire.receive(stream, 20)
    assert received is not None
    found = wire.clip_of(*received)
    np.testing.assert_array_equal(found.pcm16, clip.pcm16)
    assert found.pcm16.dtype == np.int16
    assert (found.source_rate_hz, found.source_channels) == (44_100, 2)
    assert (found.duration_seconds, found.near_silent) == (1.234567890123, True)
    assert found.out_of_phase


def test_an_error_there_and_back() -> None:
    with pytest.raises(AudioError) as caught:
        wire.clip_of(wire.error_message(AudioError(FaultKind.SILENT, "not a sound")), b"")
    assert (caught.value.kind, caught.value.detail) == (FaultKind.SILENT, "not a sound")


@pytest.mark.parametrize("header", [{}, {"kind": "no such kind", "detail": ""}])
def test_what_is_neither(header: wire.Header) -> None:
    with pytest.raises((ValueError, KeyError)):
        wire.clip_of(header, b"")
