"""A whole recording as a 16-bit wav."""

from __future__ import annotations

import wave

import numpy as np

from dataset.audio.middle import Blocks
from dataset.audio.mixing import Mixer
from dataset.audio.pcm import checked_peak, peak_of, resampled, to_pcm16
from dataset.audio.reading import read
from dataset.audio.recording import Recording
from dataset.bad_files import AudioError, FaultKind

_MAX_WAV_BYTES = 2**32 - 2**16  # a wav's sizes have 32 bits


def write_wav(data: bytes, path: str, sample_rate_hz: int | None, mono: bool) -> None:
    """Writes all of an audio file as a wav; after an error the wav may be there in part.

    What overshoots full scale is divided by its peak as a whole, as a clip is.

    Args:
        data: the whole file, in any format that libsndfile or FFmpeg reads.
        path: of the wav.
        sample_rate_hz: of the wav; None keeps the file's own.
        mono: mixes the channels, as for a clip; else they are kept.

    Raises:
        AudioError: where the file cannot be decoded, or is longer than a wav can be.
        OSError: where the wav cannot be written.
    """

    def write(recording: Recording) -> None:
        rate_hz = sample_rate_hz or recording.rate_hz
        mixer = Mixer() if mono else None
        peak = _write(recording, path, rate_hz, mixer)
        if mixer is not None and mixer.replacement is not None:
            mixer = Mixer(mixer.replacement)
            peak = _write(recording, path, rate_hz, mixer)
        if peak > 1.0:  # known only now; most recordings need no second pass
            _write(recording, path, rate_hz, mixer, peak)

    read(data, write)


def _write(
    recording: Recording, path: str, rate_hz: int, mixer: Mixer | None, scale: float = 1.0
) -> float:
    """Writes a recording divided by `scale`; returns the largest magnitude before that."""
    peak, n_bytes = 0.0, 0
    n_channels = 1 if mixer else recording.n_channels
    # The standard library's writer tells a full disk as such; libsndfile's is an error of sound.
    with wave.open(path, "wb") as wav:
        wav.setparams((n_channels, 2, rate_hz, 0, "NONE", ""))
        signal = _signal(recording, mixer)
        for block in resampled(signal, n_channels, recording.rate_hz, rate_hz):
            peak = max(peak, peak_of(block))
            n_bytes += 2 * block.size
            if n_bytes > _MAX_WAV_BYTES:
                raise AudioError(FaultKind.TOO_LARGE, "is longer than a wav can be, 4 GiB")
            wav.writeframes(to_pcm16(block / scale).tobytes())
    return peak


def _signal(recording: Recording, mixer: Mixer | None) -> Blocks:
    for block in recording.blocks():
        signal = mixer.mix(block)[:, np.newaxis] if mixer else block
        checked_peak(signal)
        yield signal
