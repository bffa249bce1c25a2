"""Spectrograms and sounds as `data:` URIs, so that a page needs no other file."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

# Perceptually uniform, and as readable to the colour-blind (van der Walt and Smith, 2015).
_COLOUR_MAP = "magma"
# Steps of the spectrogram that are told apart; 64 of them are 1.3 dB each, and pack well.
_COLOURS = 64
_FADE_SECONDS = 0.02
_MP3, _OGG = ("MP3", "audio/mpeg"), ("OGG", "audio/ogg")


def data_uri(mime: str, content: bytes) -> str:
    """Returns `content` as a URI that carries it."""
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def spectrogram_uri(spectrogram: NDArray[np.uint8]) -> str:
    """Returns a log-mel spectrogram, uint8 [mels, columns], high frequencies first, as a PNG."""
    levels = (spectrogram.astype(np.uint16) * _COLOURS // 256).astype(np.uint8)
    image = Image.fromarray(levels)
    colours = matplotlib.colormaps[_COLOUR_MAP](np.linspace(0, 1, _COLOURS))[:, :3]
    image.putpalette(np.round(colours * 255).astype(np.uint8).tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True, bits=6)
    return data_uri("image/png", file.getvalue())


def excerpt_uri(signal: NDArray[np.int16], rate_hz: int, longest_seconds: float) -> str:
    """Returns the middle of a clip as a compressed sound.

    Args:
        signal: mono PCM16 [samples].
        rate_hz: its sample rate.
        longest_seconds: of the excerpt.

    Returns:
        MP3 where libsndfile writes it (from 1.1 on), else Ogg Vorbis; empty where there is no
        sample.
    """
    if not signal.size:
        return ""
    length = min(signal.size, round(longest_seconds * rate_hz))
    start = (signal.size - length) // 2
    cut = signal[start : start + length] / np.float32(32_768)
    fade = min(round(_FADE_SECONDS * rate_hz), length // 2)
    ramp = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    cut[:fade] *= ramp  # a cut in the middle of a wave clicks
    cut[length - fade :] *= ramp[::-1]
    form, mime = _MP3 if "MP3" in soundfile.available_formats() else _OGG
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, 1, format=form, compression_level=0.7) as sound:
        sound.write(cut)
    return data_uri(mime, file.getvalue())
