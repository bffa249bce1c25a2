"""The middle of a recording whose length may be known only once it has been decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dataset.audio.mixing import Mixer
from dataset.bad_files import AudioError, FaultKind

_MAX_FRAMES = 64 * 2**20  # 256 MiB as floats; 87 s at 768 kHz fit

Blocks = Iterator[NDArray[np.float32]]


def middle_of(
    open_blocks: Callable[[], Blocks], longest: int, channel: int | None = None
) -> tuple[Window, int]:
    """Returns the middle of what is decoded, and the frames of the whole.

    What is longer than `longest` is decoded again up to the end of its middle, so that no more
    than that is ever held.

    Args:
        open_blocks: begins to decode, from the start; gives float32 [frames, channels].
        longest: frames that are kept at most.
        channel: that is kept; None keeps the mean of all.
    """
    head, n_frames = Window(0, longest, channel), 0
    for block in open_blocks():
        head.add(block)
        n_frames += len(block)
    if n_frames <= longest:
        return head, n_frames
    window = Window((n_frames - longest) // 2, longest, channel)
    for block in open_blocks():
        window.add(block)
        if window.is_full:
            break
    return window, n_frames


class Window:
    """Keeps, as mono, what lies in a stretch of a stream of blocks, and nothing else.

    Args:
        start: first frame.
        length: frames.
        channel: that is kept; None keeps the mean of all.

    Attributes:
        mixer: knows whether the channels cancel each other in that stretch.
    """

    def __init__(self, start: int, length: int, channel: int | None = None):
        self.mixer = Mixer(channel)
        self._to_skip = start
        self._missing = length
        self._held = 0
        self._kept: list[NDArray[np.float32]] = []

    @property
    def is_full(self) -> bool:
        """Whether nothing that may come would be kept."""
        return not self._missing

    def add(self, block: NDArray[np.float32]) -> None:
        """Takes the next block, float32 [frames, channels].

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
        self._kept.append(self.mixer.mix(kept))

    def mono(self) -> NDArray[np.float32]:
        """Returns what was kept, float32 [frames]."""
        return np.concatenate(self._kept) if self._kept else np.empty(0, np.float32)
