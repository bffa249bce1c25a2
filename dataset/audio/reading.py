"""The one way from the bytes of an audio file to samples: libsndfile, and FFmpeg where it fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dataset.audio.ffmpeg import FFmpegRecording
from dataset.audio.libsndfile import SoundfileRecording
from dataset.audio.recording import Recording, Unreadable
from dataset.bad_files import AudioError, FaultKind

MAX_FILE_BYTES = 512 * 2**20

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Middle:
    """The middle of a recording, at its own rate.

    Attributes:
        mono: float32 [frames], the mean of the channels or, where they cancel, the loudest one.
        rate_hz: sample rate of the file.
        n_channels: channels of the file.
        n_frames: length of the whole recording, by what was decoded.
        out_of_phase: whether the channels cancel each other in their mean.
    """

    mono: NDArray[np.float32]
    rate_hz: int
    n_channels: int
    n_frames: int
    out_of_phase: bool


def read_file(path: Path) -> bytes:
    """Returns what is in a file; of one that is too large, one byte more than `read` takes.

    Raises:
        AudioError: where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise AudioError(FaultKind.UNREADABLE, error.strerror or str(error)) from error


def read(data: bytes, use: Callable[[Recording], _T]) -> _T:
    """Returns what is made of a recording, by the first decoder that can read it to its end.

    Args:
        data: the whole file, in any format that libsndfile or FFmpeg reads.
        use: decodes the recording, as often as it likes. It is called once more where libsndfile
            fails in the middle.

    Raises:
        AudioError: where the file is empty, too large or cannot be decoded, and as `use` does.
    """
    if not data:
        raise AudioError(FaultKind.EMPTY_FILE, "the file has no bytes")
    if len(data) > MAX_FILE_BYTES:
        raise AudioError(FaultKind.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    try:
        return use(SoundfileRecording(data))
    except Unreadable as first:
        try:
            return use(FFmpegRecording(data))
        except Unreadable as second:
            detail = f"libsndfile: {first}; FFmpeg: {second}"
            raise AudioError(FaultKind.UNDECODABLE, detail) from second


def read_middle(data: bytes, clip_seconds: float) -> Middle:
    """Returns the middle of an audio file, at most `clip_seconds` of it, mixed to mono.

    Raises:
        AudioError: as `read` does, and where more would be held than memory should.
    """

    def middle(recording: Recording) -> Middle:
        longest = round(clip_seconds * recording.rate_hz)
        window, n_frames = recording.middle(longest)
        channel = window.mixer.replacement
        if channel is not None:
            # Decoded again: all channels of a long recording are more than memory should hold.
            window, n_frames = recording.middle(longest, channel)
        return Middle(
            window.mono(), recording.rate_hz, recording.n_channels, n_frames, channel is not None
        )

    return read(data, middle)
