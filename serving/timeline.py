"""A whole song in windows of a clip's length."""

from __future__ import annotations

import math
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dataset.audio.decoding import check_signal
from dataset.bad_files import AudioError
from dataset.config import AudioConfig

STEP_SECONDS = 5.0
# Beyond it a wider step bounds time and memory.
_MAX_STEPS = 500


class Window(NamedTuple):
    """A stretch of a song: where it starts, and int16 [samples]."""

    start_seconds: float
    pcm16: NDArray[np.int16]


def seconds_of(wav_path: Path) -> float:
    """Returns how long a wav is."""
    with wave.open(str(wav_path), "rb") as wav:
        return wav.getnframes() / wav.getframerate()


def windows(wav_path: Path, config: AudioConfig) -> Iterator[Window]:
    """Yields a window of `clip_seconds` every `STEP_SECONDS`, one of all that a shorter song has.

    The step of a long song is the smallest multiple of `STEP_SECONDS` that gives at most 501.
    Silent windows are left out; what is behind the last whole window is in none.

    Args:
        wav_path: a mono 16-bit wav at the configured sample rate.
        config: sample rate and shortest and longest clip.

    Raises:
        AudioError: where the song is too short, or all of it silent.
    """
    step, is_empty, refusal = round(STEP_SECONDS * config.sample_rate_hz), True, None
    with wave.open(str(wav_path), "rb") as wav:
        last = max(0, wav.getnframes() - config.clip_samples)
        step *= max(1, math.ceil(last / (_MAX_STEPS * step)))
        for start in range(0, last + 1, step):
            wav.setpos(start)
            pcm16 = np.frombuffer(wav.readframes(config.clip_samples), "<i2")
            try:
                check_signal(pcm16 / np.float32(32_768), config.sample_rate_hz, config)
            except AudioError as error:
                refusal = error
                continue
            is_empty = False
            yield Window(start / config.sample_rate_hz, pcm16)
    if is_empty and refusal:
        raise refusal
