"""Decoding with FFmpeg, for what libsndfile cannot read: m4a, wma, mp3 behind junk and the like."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dataset.audio.middle import Blocks
from dataset.audio.recording import Recording, Unreadable

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

# Containers of audio. No playlist, no list of other files, no device, no text: what is not here is
# not opened, whatever the file looks like.
_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,caf,dsf,dts,eac3,flac,loas,matroska,mov,mp3,mpc,mpc8,ogg,tak,tta,"
    "voc,w64,wav,wv"
)
# Nothing but the bytes that are given may be read, wherever a file points.
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}


class FFmpegRecording(Recording):
    """A file of which FFmpeg can decode a frame; its rate and channels are those of the first.

    Damaged parts are left out; a file that breaks off ends there. What comes at another rate, or
    with other channels, as in joined files, is converted.

    Raises:
        Unreadable: where it cannot, or finds no audio.
        AudioError: as `Recording` does.
    """

    def __init__(self, data: bytes):
        self._data = data
        with _opened(data) as container:
            frame = next(_frames(container), None)
            if frame is None:
                raise Unreadable("holds no audio that can be decoded")
            super().__init__(*_form(frame))
            self._layout = frame.layout

    def blocks(self) -> Blocks:
        import av

        own_form = (self.rate_hz, self.n_channels)
        with _opened(self._data) as container:
            for form, frames in itertools.groupby(_frames(container), _form):
                if form == own_form:
                    yield from map(_samples, frames)
                    continue
                converter = av.AudioResampler(layout=self._layout, rate=self.rate_hz)
                for frame in itertools.chain(frames, [None]):  # None: what the converter holds back
                    yield from map(_samples, converter.resample(frame))


def _form(frame: AudioFrame) -> tuple[int, int]:
    """Returns the sample rate and the number of channels."""
    return frame.sample_rate, frame.layout.nb_channels


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[InputContainer]:
    """Opens a file from its start; what FFmpeg fails at within is Unreadable."""
    import av  # 100 MiB of address space, and most archives do without

    try:
        with av.open(
            io.BytesIO(data), "r", metadata_errors="replace", container_options=dict(_OPTIONS)
        ) as container:
            yield container
    except MemoryError:  # one of FFmpeg's errors is one of these
        raise
    except av.FFmpegError as error:
        raise Unreadable(error.strerror or str(error)) from error


def _frames(container: InputContainer) -> Iterator[AudioFrame]:
    """Yields the frames of the first audio stream, without those that cannot be decoded."""
    import av

    # A stream that FFmpeg has no decoder for has no context, whatever the annotations say.
    stream = next((s for s in container.streams.audio if s.codec_context is not None), None)
    if stream is None:
        raise Unreadable("holds no audio that can be decoded")
    stream.codec_context.thread_count = 1
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            continue  # with the next packet; there is none after an error of the container
        yield from frames


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """Returns float32 [frames, channels], full scale 1."""
    try:
        planes = frame.to_ndarray()
    except ValueError as error:
        raise Unreadable(str(error)) from error
    samples = planes.T if frame.format.is_planar else planes.reshape(-1, frame.layout.nb_channels)
    if samples.dtype.kind == "f":
        return samples.astype(np.float32, copy=False)
    full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
    middle = full_scale if samples.dtype.kind == "u" else 0.0
    return ((samples - middle) / full_scale).astype(np.float32)
