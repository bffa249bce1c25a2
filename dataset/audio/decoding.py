"""From the bytes of an audio file to one mono PCM16 clip."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from dataset.audio.pcm import checked_peak, peak_of, resampled, to_pcm16
from dataset.audio.reading import Middle, read_middle
from dataset.bad_files import AudioError, FaultKind
from dataset.config import SILENCE_PEAK, AudioConfig

_NEAR_SILENCE_RMS = 1e-3  # -60 dBFS


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip.

    Attributes:
        pcm16: int16 [samples], mono, at the configured sample rate.
        source_rate_hz: sample rate of the file.
        source_channels: channel count of the file.
        duration_seconds: true duration of the whole file, by its decoded frames.
        near_silent: whether its root mean square is below -60 dBFS.
        out_of_phase: whether it is the loudest channel, because the channels cancel each other.
    """

    pcm16: NDArray[np.int16]
    source_rate_hz: int
    source_channels: int
    duration_seconds: float
    near_silent: bool = False
    out_of_phase: bool = False


def decode_clip(data: bytes, config: AudioConfig) -> Clip:
    """Returns the middle `clip_seconds` of an audio file, downmixed and resampled once.

    The channels are averaged; where they cancel each other the loudest one is used. The resampler
    is soxr's band-limited "HQ" recipe. A clip that overshoots full scale is divided by its peak.
    The decoders are C libraries that a hostile file may crash or keep busy: `sandbox.Decoder` does
    the same in a process of its own.

    Args:
        data: the whole file, in any format that libsndfile or FFmpeg reads.
        config: sample rate and shortest and longest clip.

    Raises:
        AudioError: where the file is empty, too large, cannot be decoded, is too short or
            silent, or holds samples that no audio has.
    """
    middle = read_middle(data, config.clip_seconds)
    check_signal(middle.mono, middle.rate_hz, config)
    signal = _at_rate(middle, config)
    signal = signal / max(1.0, peak_of(signal))
    energy = float(np.dot(signal, signal))
    return Clip(
        to_pcm16(signal),
        middle.rate_hz,
        middle.n_channels,
        middle.n_frames / middle.rate_hz,
        near_silent=energy < _NEAR_SILENCE_RMS**2 * len(signal),
        out_of_phase=middle.out_of_phase,
    )


def check_signal(mono: NDArray[np.float32], rate_hz: int, config: AudioConfig) -> None:
    """Raises AudioError where float32 [samples] are too few, silent, or no audio's."""
    seconds = len(mono) / rate_hz
    if seconds < config.min_clip_seconds:
        detail = f"{seconds:.2f} s, at least {config.min_clip_seconds:g} s are needed"
        raise AudioError(FaultKind.TOO_SHORT, detail)
    if checked_peak(mono) < SILENCE_PEAK:
        raise AudioError(FaultKind.SILENT, "no sample above -80 dBFS")


def _at_rate(middle: Middle, config: AudioConfig) -> NDArray[np.float32]:
    """Returns float32 [samples] at the configured rate, no more than a clip has."""
    blocks = resampled([middle.mono[:, np.newaxis]], 1, middle.rate_hz, config.sample_rate_hz)
    return np.concatenate(list(blocks))[: config.clip_samples, 0]
