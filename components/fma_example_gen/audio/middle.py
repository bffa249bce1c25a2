"""The middle of a recording whose length may be known only once it has been decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from components.fma_example_gen.faults import AudioError, FaultKind

_SOURCE_RATES_HZ = range(1_000, 768_001)
_MAX_CHANNELS = 64
_MAX_FRAMES = 64 * 2**20  # 256 MiB as floats; 87 s at 768 kHz fit

Blocks = Iterator[NDArray[np.float32]]


class Unreadable(Exception):
    """A decoder cannot read a file; another one might.

    `is_telling` is whether the message says more than that the file is not understood.
    """

    def __init__(self, detail: str, is_telling: bool = True):
        super().__init__(detail)
        self.detail = detail
        self.is_telling = is_telling


@dataclasses.dataclass(frozen=True)
class Middle:
    """The middle of a recording, at its own rate.

    Attributes:
        mono: float32 [frames], the mean of the channels.
        rate_hz: sample rate of the file.
        n_channels: channels of the file.
        n_frames: length of the whole recording, by what was decoded.
    """

    mono: NDArray[np.float32]
    rate_hz: int
    n_channels: int
    n_frames: int


def check_source(rate_hz: int, n_channels: int) -> None:
    """Raises AudioError for a sample rate, or channels, that no audio has."""
    if rate_hz not in _SOURCE_RATES_HZ:
        raise AudioError(FaultKind.UNDECODABLE, f"sample rate of {rate_hz} Hz")
    if not 0 < n_channels <= _MAX_CHANNELS:
        raise AudioError(FaultKind.UNDECODABLE, f"{n_channels} channels")


def mixed(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the mean of the channels, float32 [frames], of float32 [frames, channels]."""
    n_channels = block.shape[1]
    if n_channels == 1:
        return block[:, 0]
    # Channel by channel: a mean over so short an axis takes ten times as long, and a product of
    # matrices rounds otherwise with another number of threads.
    share = np.float32(1 / n_channels)
    mono = block[:, 0] * share
    for channel in range(1, n_channels):
        mono += block[:, channel] * share
    return mono


def middle_of(open_blocks: Callable[[], Blocks], longest: int) -> tuple[NDArray[np.float32], int]:
    """Returns the middle of what is decoded, float32 [frames], and the frames of the whole.

    What is longer than `longest` is decoded again up to the end of its middle, so that no more
    than that is ever held.

    Args:
        open_blocks: begins to decode, from the start; gives mono blocks, float32 [frames].
        longest: frames that are kept at most.
    """
    head, n_frames = Window(0, longest), 0
    for block in open_blocks():
        head.add(block)
        n_frames += len(block)
    if n_frames <= longest:
        return head.mono(), n_frames
    window = Window((n_frames - longest) // 2, longest)
    for block in open_blocks():
        window.add(block)
        if window.is_full:
            break
    return window.mono(), n_frames


class Window:
    """Keeps what lies in a stretch of a stream of blocks, and nothing else.

    Args:
        start: first frame.
        length: frames.
    """

    def __init__(self, start: int, length: int):
        self._to_skip = start
        self._missing = length
        self._held = 0
        self._kept: list[NDArray[np.float32]] = []

    @property
    def is_full(self) -> bool:
        """Whether nothing that may come would be kept."""
        return not self._missing

    def add(self, block: NDArray[np.float32]) -> None:
        """Takes the next block, float32 [frames].

        Raises:
            AudioError: where more would be kept than memory should hold.
        """
        kept = block[self._to_skip : self._to_skip + self._missing]
        self._to_skip = max(0, self._to_skip - len(block))
        if not len(kept):
            return
        self._missing -= len(kept)
        self._held += len(kept)
        if self._held > _MAX_FRAMES:
            raise AudioError(FaultKind.TOO_LARGE, f"more than {_MAX_FRAMES} frames to hold")
        self._kept.append(kept)

    def mono(self) -> NDArray[np.float32]:
        """Returns what was kept, float32 [frames]."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, np.float32)
