"""From the bytes of an audio file to one mono PCM16 clip."""

from __future__ import annotations

import dataclasses
import io

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

from components.fma_example_gen.faults import AudioError, FaultKind
from pipeline.config import AudioConfig

MAX_FILE_BYTES = 512 * 2**20
_SILENCE_PEAK = 1e-4  # -80 dBFS
_SOURCE_RATES_HZ = range(1_000, 768_001)
_MAX_CHANNELS = 64
_MAX_SAMPLES = 64 * 2**20  # 256 MiB as floats; 30 s of 8 channels at 192 kHz fit


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip.

    Attributes:
        pcm16: int16 [samples], mono, at the configured sample rate.
        source_rate_hz: sample rate of the file.
        source_channels: channel count of the file.
        duration_seconds: true duration of the whole file, by its decoded frames.
    """

    pcm16: NDArray[np.int16]
    source_rate_hz: int
    source_channels: int
    duration_seconds: float


def decode_clip(data: bytes, config: AudioConfig) -> Clip:
    """Returns the middle `clip_seconds` of an audio file, downmixed and resampled once.

    The channels are averaged; the resampler is soxr's band-limited "HQ" recipe.

    Args:
        data: the whole file, in any format that libsndfile reads (wav, mp3, flac, ogg, …).
        config: sample rate and shortest and longest clip.

    Raises:
        AudioError: where the file is empty, cannot be decoded, is too short or is silent.
    """
    if not data:
        raise AudioError(FaultKind.EMPTY_FILE, "the file has no bytes")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as source:
            check_header(source)
            rate_hz, n_channels = source.samplerate, source.channels
            channels, n_frames = _read_middle(source, round(config.clip_seconds * rate_hz))
    except soundfile.LibsndfileError as error:
        raise AudioError(FaultKind.UNDECODABLE, error.error_string) from error
    # A product is 30 times as fast as a mean over so short an axis.
    mono = channels @ np.full(n_channels, 1 / n_channels, np.float32)
    _check_signal(mono, rate_hz, config)
    resampled = librosa.resample(
        mono, orig_sr=rate_hz, target_sr=config.sample_rate_hz, res_type="soxr_hq"
    )
    if not np.isfinite(resampled).all():
        raise AudioError(FaultKind.UNDECODABLE, "is too loud to be resampled")
    return Clip(to_pcm16(resampled), rate_hz, n_channels, n_frames / rate_hz)


def check_header(source: soundfile.SoundFile) -> None:
    """Raises AudioError where an open file has a sample rate, or channels, that no audio has."""
    if source.samplerate not in _SOURCE_RATES_HZ:
        detail = f"sample rate of {source.samplerate} Hz"
        raise AudioError(FaultKind.UNDECODABLE, detail)
    if source.channels > _MAX_CHANNELS:
        raise AudioError(FaultKind.UNDECODABLE, f"{source.channels} channels")


def _read_middle(source: soundfile.SoundFile, longest: int) -> tuple[NDArray[np.float32], int]:
    """Returns float32 [frames, channels], at most `longest` frames, and the file's true length."""
    n_frames = source.frames
    channels = _read(source, n_frames, longest)
    if len(channels) < min(n_frames, longest):
        # The header claims more than there is, as a truncated mp3's does: what was decoded up to
        # its end tells the true length.
        n_frames = source.tell()
        channels = _read(source, n_frames, longest)
    return channels, n_frames


def _read(source: soundfile.SoundFile, n_frames: int, longest: int) -> NDArray[np.float32]:
    length = min(n_frames, longest)
    if length * source.channels > _MAX_SAMPLES:
        detail = f"{length} frames of {source.channels} channels are too many to hold"
        raise AudioError(FaultKind.TOO_LARGE, detail)
    source.seek((n_frames - length) // 2)
    return source.read(length, dtype="float32", always_2d=True)


def _check_signal(mono: NDArray[np.float32], rate_hz: int, config: AudioConfig) -> None:
    seconds = len(mono) / rate_hz
    if seconds < config.min_clip_seconds:
        detail = f"{seconds:.2f} s, at least {config.min_clip_seconds:g} s are needed"
        raise AudioError(FaultKind.TOO_SHORT, detail)
    if not np.isfinite(mono).all():
        raise AudioError(FaultKind.UNDECODABLE, "holds samples that are not finite numbers")
    if np.abs(mono).max() < _SILENCE_PEAK:
        raise AudioError(FaultKind.SILENT, "no sample above -80 dBFS")


def to_pcm16(signal: NDArray[np.float32]) -> NDArray[np.int16]:
    """Returns samples of full scale 1 as little-endian int16 of the same shape."""
    # Clipped first: a decoded mp3 overshoots full scale, and a float file may hold samples whose
    # product overflows.
    scaled = np.rint(np.clip(signal, -1.0, 1.0) * 32_768.0)
    return np.minimum(scaled, 32_767).astype("<i2")
