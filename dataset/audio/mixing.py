"""From several channels to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dataset.config import CANCELLED_SHARE


class Mixer:
    """Mixes a stream of blocks to mono, and finds out whether its channels cancel each other.

    Left and right of opposite polarity do: their mean is silent, and each of them is not.

    Args:
        channel: the one to take; None takes the mean of all.
    """

    def __init__(self, channel: int | None = None):
        self._channel = channel
        self._of_mean = 0.0
        self._of_channels = np.zeros(1)

    def mix(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the next block as mono: float32 [frames], of float32 [frames, channels]."""
        if self._channel is not None:
            return block[:, self._channel].copy()  # a view would hold all channels
        mono = mixed(block)
        if block.shape[1] > 1:
            self._of_mean += _energy(mono)
            self._of_channels = self._of_channels + [_energy(channel) for channel in block.T]
        return mono

    @property
    def replacement(self) -> int | None:
        """The channel to take instead of the mean, the loudest one; None where the mean will do.

        The mean will not where its energy is 20 dB below what the loudest channel alone would leave
        in it.
        """
        loudest = int(self._of_channels.argmax())
        alone = self._of_channels[loudest] / len(self._of_channels) ** 2
        return loudest if self._of_mean < CANCELLED_SHARE * alone else None


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


def _energy(signal: NDArray[np.float32]) -> float:
    """Returns the sum of squares; in double precision, which holds the square of any float."""
    signal64 = signal.astype(np.float64)
    return float(np.dot(signal64, signal64))
