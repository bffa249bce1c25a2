"""Decoding with libsndfile: wav, aiff, flac, ogg, mp3 and their like.

A file's format is found by what is in it, and its length by what can be decoded: a header may say
what it likes of either.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator

import numpy as np
import soundfile
from numpy.typing import NDArray

from dataset.audio.middle import Blocks, Window
from dataset.audio.recording import Recording, Unreadable
from dataset.bad_files import AudioError, FaultKind

_BLOCK_FRAMES = 2**16
# Decoded before what is wanted, and dropped: a frame of an mp3 may need bits of as many as nine
# frames before it, of 1,152 samples, and after a seek they are not there.
_RUN_UP_FRAMES = 2**14
# Formats whose data go on to the end of the file; those made of chunks may have others behind.
_FORMATS_TO_THE_END = ("FLAC", "MP3", "OGG")
_PCM_TAGS = (0x0001, 0xFFFE)  # of the format in a WAV: PCM, and what says more further on
# Left after the last frame: ID3v1 and small APE tags. Of more FFmpeg finds out whether it is audio.
_MAX_BYTES_LEFT = 2**11


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

    def seekable(self) -> bool:
        return False

    def blocks(self, start: int = 0) -> Blocks:
        """Yields float32 [frames, channels] up to the end or what is taken for it.

        Args:
            start: the frame that it is at.
        """
        left = self.frames - start
        while True:
            try:
                # Not across the end by the header, or a tag behind it costs the last block.
                block = self._block(min(_BLOCK_FRAMES, left) if left > 0 else _BLOCK_FRAMES)
            except soundfile.LibsndfileError:
                if left > 0:
                    raise
                return
            if not len(block):
                return
            left -= len(block)
            yield block

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


class SoundfileRecording(Recording):
    """A file that libsndfile has recognised.

    Raises:
        Unreadable: where it does not.
        AudioError: as `Recording` does.
    """

    def __init__(self, data: bytes):
        self._data = data
        with _opened(data) as source:
            if source.format in ("WAV", "WAVEX"):
                _check_padding(data)
            super().__init__(source.samplerate, source.channels)

    def blocks(self) -> Blocks:
        is_empty = True
        with _opened(self._data) as source:
            for block in source.blocks():
                is_empty = False
                yield block
            if is_empty:
                raise Unreadable("holds no audio")
            source.check_end()

    def middle(self, longest: int, channel: int | None = None) -> tuple[Window, int]:
        # Decoded afresh where the header is wrong: what has failed to seek may not read on.
        return self._by_header(longest, channel) or super().middle(longest, channel)

    def _by_header(self, longest: int, channel: int | None) -> tuple[Window, int] | None:
        """Returns what `middle` does by the header's length, None where it is not so long."""
        with _opened(self._data) as source:
            n_frames = source.frames
            length = min(n_frames, longest)
            start = (n_frames - length) // 2
            run_up = min(start, _RUN_UP_FRAMES)
            window = Window(run_up, length, channel)
            try:
                source.seek(start - run_up)
                for block in source.blocks(start - run_up):
                    window.add(block)
                    if window.is_full:
                        break
                if not window.is_full or (n_frames > length and not source.ends_at(n_frames)):
                    return None
            except soundfile.LibsndfileError:
                return None
            source.check_end()
            return (window, n_frames) if n_frames else None


def _check_padding(data: bytes) -> None:
    """Raises AudioError where a WAV pads its samples: libsndfile takes the padding for samples."""
    at = data.find(b"fmt ")
    tag, n_channels, _, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", data, at + 8)
    if tag in _PCM_TAGS and frame_bytes >= n_channels * ((bits + 7) // 8 + 1):
        detail = f"{frame_bytes} bytes a frame do not fit {bits} bits a sample"
        raise AudioError(FaultKind.UNDECODABLE, detail)


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[_Source]:
    """Opens a file from its start; what libsndfile fails at within is Unreadable."""
    try:
        with _Source(data) as source:
            yield source
    except soundfile.LibsndfileError as error:
        raise Unreadable(error.error_string.rstrip(".")) from error
