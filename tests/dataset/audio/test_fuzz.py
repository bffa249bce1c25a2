"""300 damaged files: every one is a clip or a named fault, soon, and without much memory."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dataset.audio.decoding import decode_clip
from dataset.audio.sandbox import Decoder
from dataset.bad_files import AudioError
from dataset.config import AudioConfig
from tests.dataset.audio.sounds import encode, encode_with_ffmpeg, id3, music, pid_of

AUDIO = AudioConfig(clip_seconds=1.0, min_clip_seconds=0.5)
HEADER_BYTES = 200
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
SIGNAL, SIGNAL_48K = music(22_050, 2), music(48_000, 2)
MP3 = encode(SIGNAL, 22_050, container="MP3")
WHOLE = {
    "wav": encode(SIGNAL, 22_050),
    "wav of floats": encode(SIGNAL, 22_050, "FLOAT"),
    "wav of 24 bits": encode(SIGNAL, 22_050, "PCM_24", "WAVEX"),
    "wav of A-law": encode(SIGNAL, 22_050, "ALAW"),
    "wav of ADPCM": encode(SIGNAL, 22_050, "MS_ADPCM"),
    "aiff": encode(SIGNAL, 22_050, container="AIFF"),
    "au": encode(SIGNAL, 22_050, container="AU"),
    "caf": encode(SIGNAL, 22_050, "ALAC_16", "CAF"),
    "w64": encode(SIGNAL, 22_050, container="W64"),
    "flac": encode(SIGNAL, 22_050, container="FLAC"),
    "vorbis": encode(SIGNAL, 22_050, container="OGG"),
    "opus": encode(SIGNAL_48K, 48_000, "OPUS", "OGG"),
    "mp3": MP3,
    "mp3 after ID3": id3(300) + MP3,
    "m4a": encode_with_ffmpeg(SIGNAL, 22_050, "aac", "mp4"),
    "aac": encode_with_ffmpeg(SIGNAL, 22_050, "aac", "adts"),
    "alac": encode_with_ffmpeg(SIGNAL, 22_050, "alac", "ipod"),
    "wma": encode_with_ffmpeg(SIGNAL, 22_050, "wmav2", "asf"),
    "webm": encode_with_ffmpeg(SIGNAL_48K, 48_000, "libopus", "webm"),
    "ac3": encode_with_ffmpeg(SIGNAL_48K, 48_000, "ac3", "ac3"),
    "mp2 in wav": encode_with_ffmpeg(SIGNAL_48K, 48_000, "mp2", "wav"),
}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with bytes changed, in its header or anywhere, or a part cut or put in."""
    place = int(rng.integers(min(len(data), HEADER_BYTES)))
    start, stop = sorted(rng.integers(len(data), size=2))
    kind = rng.integers(5)
    if kind == 0:
        size = int(rng.choice([1, 2, 4]))
        number = int(rng.choice(NUMBERS)) & (2 ** (8 * size) - 1)
        order = "little" if rng.random() < 0.5 else "big"
        return data[:place] + number.to_bytes(size, order) + data[place + size :]  # type: ignore[arg-type]
    if kind == 1:
        changed = bytearray(data)
        for at in rng.integers(len(data), size=rng.integers(1, 200)):
            changed[at] = rng.integers(256)
        return bytes(changed)
    if kind == 2:
        return data[:stop]
    if kind == 3:
        return data[:start] + data[stop:]
    return data[:start] + rng.bytes(int(rng.integers(1, 5_000))) + data[start:]


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_whole_files_can_be_decoded(name: str) -> None:
    assert decode_clip(WHOLE[name], AUDIO).duration_seconds == pytest.approx(1.5, abs=0.2)


def test_damaged_files_do_no_harm() -> None:
    rng, outcomes = np.random.default_rng(0), Counter[str]()
    with Decoder(AUDIO, time_limit_seconds=20.0) as decoder:
        decoder.decode(WHOLE["wav"])
        pid = pid_of(decoder)
        for _ in range(300):
            data = WHOLE[rng.choice(sorted(WHOLE))]
            for _ in range(rng.integers(1, 4)):
                data = damaged(data, rng) or b"\0"
            try:
                clip = decoder.decode(data)
            except AudioError as error:
                outcomes[error.kind.value] += 1
                continue
            outcomes["decoded"] += 1
            assert AUDIO.sample_rate_hz / 2 <= len(clip.pcm16) <= AUDIO.clip_samples
            assert clip.duration_seconds >= 0.5
            assert np.abs(clip.pcm16.astype(int)).max() > 0
        assert pid_of(decoder) == pid
        if sys.platform == "linux":
            status = Path(f"/proc/{pid}/status").read_text().split()
            peak_kib = int(status[status.index("VmHWM:") + 1])
            assert peak_kib < 400 * 2**10
    assert min(outcomes["decoded"], outcomes["undecodable"]) > 50
    assert not outcomes["crashed"] and not outcomes["timed_out"], outcomes
