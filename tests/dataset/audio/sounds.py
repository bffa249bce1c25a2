"""Small audio files of every kind, made when they are asked for, and who decodes them."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from dataset.audio.sandbox import Decoder

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def music(rate_hz: int, channels: int, seconds: float = 1.5) -> NDArray[np.float64]:
    """Return [frames, channels] of tones, other ones in every channel, and a little noise."""
    time = np.arange(round(seconds * rate_hz))[:, np.newaxis] / rate_hz
    frequency = 200.0 * (1 + np.arange(channels))
    noise = np.random.default_rng(channels).normal(0, 0.02, (len(time), channels))
    return 0.4 * np.sin(2 * np.pi * frequency * time) + noise


def encode(
    samples: NDArray[np.float64], rate_hz: int, subtype: str | None = None, container: str = "WAV"
) -> bytes:
    """Return the bytes of an audio file that libsndfile writes."""
    data = io.BytesIO()
    soundfile.write(data, samples, rate_hz, format=container, subtype=subtype)
    return data.getvalue()


def encode_with_ffmpeg(
    samples: NDArray[np.float64], rate_hz: int, codec: str, container: str
) -> bytes:
    """Return the bytes of an audio file that FFmpeg writes, of [frames, channels]."""
    data, layout = io.BytesIO(), _LAYOUTS[samples.shape[1]]
    planes = np.ascontiguousarray(samples.T, np.float32)
    with av.open(data, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate_hz, layout=layout)
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(planes, "fltp", layout)
        frame.sample_rate = rate_hz
        for part in (frame, None):
            output.mux(stream.encode(part))
    return data.getvalue()


def id3(size: int) -> bytes:
    """Return an ID3v2 tag of so many bytes of padding, as stands before many an mp3."""
    parts = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + parts + bytes(size)


def xing(mp3: bytes, n_frames: int | None) -> bytes:
    """Return an mp3 whose Xing header claims so many frames; None takes the header away."""
    place = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    assert place > 0
    if n_frames is None:
        return mp3[:place] + bytes(4) + mp3[place + 4 :]
    return mp3[: place + 8] + n_frames.to_bytes(4, "big") + mp3[place + 12 :]


def flac_frames(flac: bytes, n_frames: int) -> bytes:
    """Return a FLAC whose header claims so many frames, 0 for an unknown number."""
    packed = int.from_bytes(flac[18:26], "big") >> 36 << 36 | n_frames
    return flac[:18] + packed.to_bytes(8, "big") + flac[26:]


def wav_size(wav: bytes, n_bytes: int) -> bytes:
    """Return a wav whose data chunk, and whole, claim so many bytes."""
    size = n_bytes.to_bytes(4, "little")
    return wav[:4] + size + wav[8:40] + size + wav[44:]


def pid_of(decoder: Decoder) -> int | None:
    """Return the process id of a decoder's child, None if it has none running."""
    return decoder._process.pid if decoder._process else None
