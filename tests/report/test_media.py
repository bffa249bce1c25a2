"""Spectrograms and sounds as data: URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from report import media

RATE_HZ = 22_050


def decoded(uri: str) -> tuple[str, bytes]:
    """Return the kind and the content of a data: URI."""
    head, _, content = uri.partition(",")
    return head.removeprefix("data:").removesuffix(";base64"), base64.b64decode(content)


def tone(seconds: float) -> np.ndarray:
    time = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    return np.round(20_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)


def test_an_excerpt_is_the_middle_of_the_clip() -> None:
    signal = np.concatenate(
        [np.zeros(RATE_HZ * 5, np.int16), tone(5), np.zeros(RATE_HZ * 5, np.int16)]
    )
    kind, content = decoded(media.excerpt_uri(signal, RATE_HZ, 5.0))
    sound, rate_hz = soundfile.read(io.BytesIO(content))
    assert kind == "audio/mpeg"
    assert rate_hz == RATE_HZ
    assert len(sound) == pytest.approx(RATE_HZ * 5, abs=2_500)  # an encoder pads
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(20_000 / 32_768 / np.sqrt(2), rel=0.05)
    assert np.abs(np.fft.rfft(sound)).argmax() * rate_hz / len(sound) == pytest.approx(440, abs=1)


def test_an_excerpt_is_small_the_same_every_time_and_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(-20_000, 20_000, RATE_HZ * 30).astype(np.int16)
    uri = media.excerpt_uri(noise, RATE_HZ, 10.0)
    assert uri == media.excerpt_uri(noise, RATE_HZ, 10.0)
    assert len(uri) < 160_000
    monkeypatch.setattr(media.soundfile, "available_formats", dict)
    kind, content = decoded(media.excerpt_uri(noise, RATE_HZ, 10.0))
    sound, _ = soundfile.read(io.BytesIO(content))
    assert kind == "audio/ogg"
    assert len(sound) == RATE_HZ * 10
    assert np.abs(sound[:20]).max() < 0.1 < np.abs(sound[2_000:2_100]).max()


@pytest.mark.parametrize(("samples", "expected"), [(0, False), (1, True), (100, True)])
def test_a_clip_of_hardly_a_sample_does_no_harm(samples: int, expected: bool) -> None:
    assert bool(media.excerpt_uri(np.ones(samples, np.int16), RATE_HZ, 10.0)) == expected


def test_a_spectrogram_is_a_small_png_from_dark_to_bright() -> None:
    spectrogram = np.tile(np.arange(224, dtype=np.uint8), (224, 1))
    kind, content = decoded(media.spectrogram_uri(spectrogram))
    image = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert kind == "image/png"
    assert image.shape == (224, 224)
    assert np.all(np.diff(image[0].astype(int)) >= 0)
    assert image[0, 0] < 10
    assert image[0, -1] > 150
    noise = np.random.default_rng(0).integers(0, 256, (224, 224)).astype(np.uint8)
    assert len(media.spectrogram_uri(noise)) < 60_000
