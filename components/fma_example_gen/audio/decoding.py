"""From the bytes of an audio file to one mono PCM16 clip."""

from __future__ import annotations

import dataclasses

import numpy as np
import soxr
from numpy.typing import NDArray

from components.fma_example_gen.audio import ffmpeg, libsndfile
from components.fma_example_gen.audio.middle import Middle, Unreadable
from components.fma_example_gen.audio.pcm import to_pcm16
from components.fma_example_gen.faults import AudioError, FaultKind
from pipeline.config import AudioConfig

MAX_FILE_BYTES = 512 * 2**20
_SILENCE_PEAK = 1e-4  # -80 dBFS
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
    """

    pcm16: NDArray[np.int16]
    source_rate_hz: int
    source_channels: int
    duration_seconds: float
    near_silent: bool = False


def decode_clip(data: bytes, config: AudioConfig) -> Clip:
    """Returns the middle `clip_seconds` of an audio file, downmixed and resampled once.

    The channels are averaged; the resampler is soxr's band-limited "HQ" recipe. The decoders are
    C libraries that a hostile file may crash or keep busy: `sandbox.Decoder` does the same in a
    process of its own.

    Args:
        data: the whole file, in any format that libsndfile or FFmpeg reads.
        config: sample rate and shortest and longest clip.

    Raises:
        AudioError: where the file is empty, too large, cannot be decoded, is too short or silent.
    """
    if not data:
        raise AudioError(FaultKind.EMPTY_FILE, "the file has no bytes")
    if len(data) > MAX_FILE_BYTES:
        raise AudioError(FaultKind.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    middle = _read_middle(data, config.clip_seconds)
    _check_signal(middle, config)
    resampled = _resampled(middle, config)
    energy = float(np.dot(resampled, resampled))
    return Clip(
        to_pcm16(resampled),
        middle.rate_hz,
        middle.n_channels,
        middle.n_frames / middle.rate_hz,
        near_silent=energy < _NEAR_SILENCE_RMS**2 * len(resampled),
    )


def _read_middle(data: bytes, clip_seconds: float) -> Middle:
    try:
        return libsndfile.read_middle(data, clip_seconds)
    except Unreadable as first:
        try:
            return ffmpeg.read_middle(data, clip_seconds)
        except Unreadable as second:
            detail = first.detail
            if second.is_telling and not first.is_telling:
                detail = f"{detail.rstrip('.')}; FFmpeg: {second.detail}"
            raise AudioError(FaultKind.UNDECODABLE, detail) from second


def _check_signal(middle: Middle, config: AudioConfig) -> None:
    seconds = len(middle.mono) / middle.rate_hz
    if seconds < config.min_clip_seconds:
        detail = f"{seconds:.2f} s, at least {config.min_clip_seconds:g} s are needed"
        raise AudioError(FaultKind.TOO_SHORT, detail)
    if not np.isfinite(middle.mono).all():
        raise AudioError(FaultKind.UNDECODABLE, "holds samples that are not finite numbers")
    if max(middle.mono.max(), -middle.mono.min()) < _SILENCE_PEAK:
        raise AudioError(FaultKind.SILENT, "no sample above -80 dBFS")


def _resampled(middle: Middle, config: AudioConfig) -> NDArray[np.float32]:
    """Returns float32 [samples] at the configured rate, as many as the frames' time has room for.

    Raises:
        AudioError: where the filter's sums are more than a float holds.
    """
    length = -(-len(middle.mono) * config.sample_rate_hz // middle.rate_hz)
    length = min(length, config.clip_samples)
    resampled = soxr.resample(middle.mono, middle.rate_hz, config.sample_rate_hz, quality="HQ")[
        :length
    ]
    if not np.isfinite(resampled).all():
        raise AudioError(FaultKind.UNDECODABLE, "is too loud to be resampled")
    # The resampler may round its length down.
    return np.pad(resampled, (0, length - len(resampled)))
