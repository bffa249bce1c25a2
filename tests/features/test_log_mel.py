"""The TensorFlow front end against librosa, soxr and numpy."""

import librosa
import numpy as np
import pytest
import tensorflow as tf

from dataset.config import AudioConfig
from features import log_mel, pcm, resampling, waveform

CONFIG = AudioConfig()
# dB, between TensorFlow's and librosa's log-mel before pooling. librosa's FFT computes in float64,
# TensorFlow's in float32, whose rounding lies 140 dB below a frame's peak: measured 1e-4 on
# recorded music, and up to 1.4e-3 in single cells of pure tones that lie 74 dB below the maximum.
# So the signals here have a noise floor, as recordings do.
LOG_MEL_TOLERANCE_DB = 1e-3


def music(seconds: float, rate_hz: int = 22_050, seed: int = 0) -> np.ndarray:
    """Chords with harmonics, a beat of noise, a noise floor and a fade: float32 [samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    signal = np.zeros_like(time)
    for base in rng.uniform(80, 900, 4):
        for harmonic in range(1, 9):
            if base * harmonic < rate_hz / 2:
                signal += np.sin(2 * np.pi * base * harmonic * time + harmonic) / harmonic
    signal += rng.normal(size=len(time)) * (np.sin(2 * np.pi * 2 * time) > 0.95)
    signal += rng.normal(scale=0.1, size=len(time))
    return (0.3 * signal / np.abs(signal).max() * np.linspace(1, 0.5, len(time))).astype("f4")


def log_mel_db(signal: np.ndarray, config: AudioConfig) -> np.ndarray:
    return log_mel.log_mel_db(
        log_mel.power_spectrogram(tf.constant(signal), config), config
    ).numpy()


def image_of(signal: tf.Tensor) -> np.ndarray:
    return log_mel.log_mel_image(
        log_mel.power_spectrogram(tf.constant(signal), CONFIG), CONFIG
    ).numpy()


OTHER = AudioConfig(
    sample_rate_hz=16_000, n_fft=1024, hop_length=200, n_mels=64, fmin_hz=50, fmax_hz=7_000
)


@pytest.mark.parametrize("seconds", [0.5, 29.98])
@pytest.mark.parametrize("config", [AudioConfig(n_mels=128), CONFIG, OTHER])
def test_log_mel_is_librosas(seconds: float, config: AudioConfig) -> None:
    signal = music(seconds, config.sample_rate_hz)
    power = librosa.feature.melspectrogram(
        y=signal, sr=config.sample_rate_hz, n_fft=config.n_fft, hop_length=config.hop_length,
        n_mels=config.n_mels, fmin=config.fmin_hz, fmax=config.fmax_hz,
    )  # fmt: skip
    expected = librosa.power_to_db(power, ref=np.max, top_db=80.0).T
    got = log_mel_db(signal, config)
    assert got.shape == (1 + len(signal) // config.hop_length, config.n_mels)
    assert np.abs(got - expected).max() <= LOG_MEL_TOLERANCE_DB


@pytest.mark.parametrize("n_frames", [1, 100, 224, 225, 1292])
def test_pooling_weighs_every_frame_alike(n_frames: int) -> None:
    values = np.random.default_rng(n_frames).normal(size=(n_frames, 3)).astype("f4")
    got = log_mel.pool_frames(tf.constant(values), 224).numpy()
    # Stretch every frame to 224 equal parts; then every column is a plain mean of n_frames parts.
    expected = np.repeat(values, 224, axis=0).reshape(224, n_frames, 3).mean(axis=1)
    np.testing.assert_allclose(got, expected, atol=2e-4)
    np.testing.assert_allclose(got.mean(axis=0), values.mean(axis=0), atol=1e-4)


def test_spectrogram_has_low_tones_below_and_is_loudest_at_255() -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(5 * 22_050) / 22_050).astype("f4")
    spectrogram = image_of(tone)
    assert spectrogram.shape == (224, 224)
    assert spectrogram.dtype == np.uint8
    loudest_row = spectrogram.mean(axis=1).argmax()
    centre_hz = librosa.mel_frequencies(226, fmin=0, fmax=11_025)[1:-1]
    assert centre_hz[223 - loudest_row] == pytest.approx(200, abs=15)
    assert spectrogram.max() >= 250
    # The tone starts and ends abruptly, which all bands of the outermost columns show.
    assert spectrogram[:100, 8:-8].max() == 0


def test_spectrogram_does_not_depend_on_level() -> None:
    signal = music(3.0)
    loud = image_of(signal).astype(int)
    quiet = image_of(signal * 0.05).astype(int)
    assert np.abs(loud - quiet).max() <= 1


def test_image_of_silence_is_defined() -> None:
    spectrogram = image_of(tf.zeros([22_050]))
    assert len(np.unique(spectrogram)) == 1


def test_windows_are_the_whole_clip_without_a_gap() -> None:
    config = AudioConfig(window_samples=1_000)
    ramp = np.linspace(0.001, 1, 20_999, dtype="f4")
    windows = waveform.raw_windows(tf.constant(ramp), config).numpy()
    assert windows.shape == (20, 1_000)  # the rest is shorter than a window
    assert windows.dtype == np.int16
    gain = waveform.WINDOW_RMS / np.sqrt(np.mean(ramp**2)) * 32_767
    np.testing.assert_allclose(windows.reshape(-1), ramp[:20_000] * gain, atol=1)


def test_windows_of_a_short_clip_are_padded_and_of_silence_are_zero() -> None:
    windows = waveform.raw_windows(tf.constant(music(0.2)), CONFIG).numpy()
    assert windows.shape == (1, 10_000)
    assert np.abs(windows[:, :4_000]).max() > 1_000
    assert not windows[:, 4_410:].any()
    silence = waveform.raw_windows(tf.zeros([30_000]), CONFIG).numpy()
    assert silence.shape == (3, 10_000)
    assert not silence.any()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("shape", [[0], [1], [7, 3], [224, 224]])
def test_pack_is_undone_by_frombuffer(dtype: str, shape: list[int]) -> None:
    values = np.random.default_rng(1).uniform(0, 200, shape).astype(dtype)
    packed = pcm.pack(tf.constant(values)).numpy()
    np.testing.assert_array_equal(np.frombuffer(packed, dtype).reshape(shape), values)


def test_pcm16_clips_instead_of_wrapping() -> None:
    packed = pcm.encode_pcm16(tf.constant([-1.5, -1.0, 0.0, 0.5, 1.0, 2.0])).numpy()
    expected = [-32_768, -32_768, 0, 16_384, 32_767, 32_767]
    assert np.frombuffer(packed, "<i2").tolist() == expected
    np.testing.assert_allclose(
        pcm.decode_pcm16(packed).numpy(), [-1, -1, 0, 0.5, 32_767 / 32_768, 32_767 / 32_768]
    )


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_resampling_is_close_to_soxr(rate_hz: int) -> None:
    # The gain in the transition band is a fit to soxr's, so the two part there: -60 dB of the
    # signal, which is full-band noise here and so as bad as it gets.
    noise = np.random.default_rng(rate_hz).normal(scale=0.1, size=rate_hz * 2).astype("f4")
    expected = librosa.resample(noise, orig_sr=rate_hz, target_sr=22_050, res_type="soxr_hq")
    got = resampling.resample(tf.constant(noise), tf.constant(rate_hz), 22_050).numpy()
    assert got.shape == expected.shape
    inner = slice(500, -500)
    error = np.sqrt(np.mean((got - expected)[inner] ** 2) / np.mean(expected[inner] ** 2))
    assert 20 * np.log10(error + 1e-12) < -45
