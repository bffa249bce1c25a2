"""What the decoders have in common: a recording that can be decoded as often as it takes."""

from __future__ import annotations

import abc

from dataset.audio.middle import Blocks, Window, middle_of
from dataset.bad_files import AudioError, FaultKind
from dataset.config import MAX_CHANNELS, SOURCE_RATES_HZ


class Unreadable(Exception):
    """A decoder cannot read a file; another one might."""


class Recording(abc.ABC):
    """A file that a decoder has recognised.

    Attributes:
        rate_hz: its sample rate.
        n_channels: its channels.

    Raises:
        AudioError: for a sample rate, or channels, that no audio has.
    """

    def __init__(self, rate_hz: int, n_channels: int):
        check_source(rate_hz, n_channels)
        self.rate_hz = rate_hz
        self.n_channels = n_channels

    @abc.abstractmethod
    def blocks(self) -> Blocks:
        """Decodes all of it: yields float32 [frames, channels], full scale 1, at least one frame.

        Raises:
            Unreadable: where the decoder cannot read it, or not all of it; that may show only at
                the end.
        """

    def middle(self, longest: int, channel: int | None = None) -> tuple[Window, int]:
        """Returns the middle, at most `longest` frames of it, and the frames of the whole.

        Args:
            longest: frames that are kept at most.
            channel: that is kept; None keeps the mean of all.

        Raises:
            Unreadable: as `blocks` does.
            AudioError: where more would be kept than memory should hold.
        """
        return middle_of(self.blocks, longest, channel)


def check_source(rate_hz: int, n_channels: int) -> None:
    """Raises AudioError for a sample rate, or channels, that no audio has."""
    if rate_hz not in SOURCE_RATES_HZ:
        raise AudioError(FaultKind.UNDECODABLE, f"sample rate of {rate_hz} Hz")
    if not 0 < n_channels <= MAX_CHANNELS:
        raise AudioError(FaultKind.UNDECODABLE, f"{n_channels} channels")
