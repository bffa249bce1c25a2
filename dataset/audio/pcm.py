"""Samples: how large they may be, at which rate they come, and how 16 bits hold them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import soxr
from numpy.typing import NDArray

from dataset.audio.middle import Blocks
from dataset.bad_files import AudioError, FaultKind
from dataset.config import MAX_PEAK


def peak_of(signal: NDArray[np.float32]) -> float:
    """Returns the largest magnitude of some samples, 0 of none."""
    return float(max(signal.max(initial=0.0), -signal.min(initial=0.0)))


def checked_peak(signal: NDArray[np.float32]) -> float:
    """Returns the largest magnitude of decoded samples, of full scale 1.

    Raises:
        AudioError: where one is not finite, or far above full scale.
    """
    peak = peak_of(signal)
    if not np.isfinite(peak):
        raise AudioError(FaultKind.UNDECODABLE, "holds samples that are not finite numbers")
    if peak > MAX_PEAK:
        detail = f"samples reach ±{peak:.6g}, more than {MAX_PEAK:g} times full scale"
        raise AudioError(FaultKind.UNDECODABLE, detail)
    return peak


def resampled(
    blocks: Iterable[NDArray[np.float32]], n_channels: int, from_hz: int, to_hz: int
) -> Blocks:
    """Yields the blocks at another rate, band-limited by soxr's "HQ" recipe.

    The frames are as many as the time of those that came has room for.

    Args:
        blocks: float32 [frames, channels], one after the other.
        n_channels: their channels.
        from_hz: their sample rate.
        to_hz: the sample rate of what is yielded.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_hz, to_hz, n_channels, dtype="float32", quality="HQ")
    taken, given = 0, 0
    for block in blocks:
        taken += len(block)
        part = stream.resample_chunk(block)
        given += len(part)
        yield part
    missing = -(-taken * to_hz // from_hz) - given
    part = stream.resample_chunk(np.empty((0, n_channels), np.float32), last=True)[:missing]
    # The resampler may round its length down.
    yield np.pad(part, ((0, missing - len(part)), (0, 0)))


def to_pcm16(signal: NDArray[np.float32]) -> NDArray[np.int16]:
    """Returns samples of full scale 1 as little-endian int16 of the same shape."""
    return np.clip(np.rint(signal * 32_768.0), -32_768, 32_767).astype("<i2")
