"""Decoding with libsndfile: wav, aiff, flac, ogg, mp3 and their like.

A file's format is found by what is in it, and its length by what can be decoded: a header may say
what it likes of either.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from components.fma_example_gen.audio.middle import (
    Blocks,
    Middle,
    Unreadable,
    Window,
    check_source,
    middle_of,
    mixed,
)

_BLOCK_FRAMES = 2**16
# Decoded before what is wanted, and dropped: a frame of an mp3 may need bits of as many as nine
# frames before it, of 1,152 samples, and after a seek they are not there.
_RUN_UP_FRAMES = 2**14
# Formats whose data go on to the end of the file; those made of chunks may have others behind.
_FORMATS_TO_THE_END = ("FLAC", "MP3", "OGG")
# Left after the last frame: tags, and what a decoder has read ahead.
_MAX_BYTES_LEFT = 2**14


class _Bytes(io.BytesIO):
    """A file in memory that stays where it is when told to go before its beginning.

    Damaged headers make libsndfile ask for that, and an error in a callback can only be printed.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


class _Source(soundfile.SoundFile):
    """An open file, read forwards.

    soundfile seeks to where it is after every read of what it calls seekable, and a seek can make
    the decoder of an mp3 forget what the next frame needs.
    """

    def __init__(self, data: bytes):
        self._bytes = _Bytes(data)
        self._n_bytes = len(data)
        super().__init__(self._bytes)
        check_header(self)

    def seekable(self) -> bool:
        return False

    def blocks(self) -> Blocks:
        """Yields mono blocks, float32 [frames], up to the end or what is taken for it."""
        while len(block := self._block(_BLOCK_FRAMES)):
            yield mixed(block)

    def ends_at(self, n_frames: int) -> bool:
        """Returns whether the last of `n_frames` frames is there."""
        self.seek(n_frames - 1)
        return len(self._block(1)) == 1

    def check_end(self) -> None:
        """Raises Unreadable where the file goes on after its last frame, as joined mp3s do."""
        left = self._n_bytes - self._bytes.tell()
        if self.format in _FORMATS_TO_THE_END and left > _MAX_BYTES_LEFT:
            raise Unreadable("holds more than its header says")

    def _block(self, n_frames: int) -> NDArray[np.float32]:
        block: NDArray[np.float32] = self.read(n_frames, dtype="float32", always_2d=True)
        return block


def check_header(source: soundfile.SoundFile) -> None:
    """Raises AudioError where an open file has a sample rate, or channels, that no audio has."""
    check_source(source.samplerate, source.channels)


def read_middle(data: bytes, clip_seconds: float) -> Middle:
    """Returns the middle of an audio file, at most `clip_seconds` of it.

    Raises:
        Unreadable: where libsndfile cannot read it, or not all of it.
        AudioError: where its rate, channels or length are not those of any clip.
    """
    try:
        with _Source(data) as source:
            rate_hz, n_channels = source.samplerate, source.channels
            longest = round(clip_seconds * rate_hz)
            found = _by_header(source, longest)
        # Decoded afresh: what has failed to seek may not read on.
        mono, n_frames = found or middle_of(lambda: _all_blocks(data), longest)
    except soundfile.LibsndfileError as error:
        raise Unreadable(error.error_string, is_telling=False) from error
    if not n_frames:
        raise Unreadable("holds no audio")
    return Middle(mono, rate_hz, n_channels, n_frames)


def _by_header(source: _Source, longest: int) -> tuple[NDArray[np.float32], int] | None:
    """Returns the middle and the length that the header gives, or None where it is not so long."""
    n_frames = source.frames
    length = min(n_frames, longest)
    start = (n_frames - length) // 2
    run_up = min(start, _RUN_UP_FRAMES)
    window = Window(run_up, length)
    try:
        source.seek(start - run_up)
        for block in source.blocks():
            window.add(block)
            if window.is_full:
                break
        if not window.is_full or (n_frames > length and not source.ends_at(n_frames)):
            return None
    except soundfile.LibsndfileError:
        return None
    source.check_end()
    return window.mono(), n_frames


def _all_blocks(data: bytes) -> Blocks:
    with _Source(data) as source:
        yield from source.blocks()
        source.check_end()
