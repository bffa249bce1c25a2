"""Descriptors against librosa, frame by frame, and their statistics against scipy and numpy."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from benchmarks.librosa_descriptors import descriptors, magnitudes
from corpus import CorpusSpec, build_catalogue
from corpus.clips import write_clip
from dataset.audio.decoding import decode_clip
from dataset.config import MIN_SAMPLE_RATE_HZ, AudioConfig
from features import clip_statistics, log_mel
from tests.features.test_log_mel import music

Frames = dict[str, np.ndarray]

CONFIG = AudioConfig()
# The largest difference in any frame, in the descriptor's own unit. Both compute in float32, but
# librosa's FFT in float64, and sums are added up in another order.
TOLERANCES = {
    "chroma_stft": 1e-5,  # parts of 1
    "mfcc": 1e-3,  # dB; the FFT's rounding in bands far below the frame's peak, as of the log-mel
    "mfcc_delta": 2e-4,  # dB a frame; that of mfcc, averaged
    "rmse": 1e-6,  # parts of full scale
    "spectral_bandwidth": 0.02,  # Hz; sums of 1,025 products of up to 1e8 Hz²
    "spectral_centroid": 0.02,  # Hz; sums of 1,025 products of up to 1e4 Hz
    # dB; a valley is the mean of 1 to 9 of the smallest bins of an octave. Beside a loud frame they
    # are little more than the rounding of a float32 FFT, 140 dB below its peak.
    "spectral_contrast": 0.2,
    "spectral_rolloff": 22_050 / 2048 + 0.01,  # Hz; a bin, where the sum all but meets the 85 %
    "tonnetz": 1e-5,  # parts of 1
    "zcr": 0.0,  # whole numbers of changes
}
# Skew and kurtosis divide by powers of the spread, and count the few outermost frames most.
MOMENT_TOLERANCE = 1e-3


def reference(signal: np.ndarray, config: AudioConfig) -> Frames:
    """Returns librosa's descriptors, [size, frames] each."""
    return descriptors(signal, magnitudes(signal, config), config)


def described(signal: np.ndarray, config: AudioConfig) -> Frames:
    """Returns our descriptors, [size, frames] each."""
    tensor = tf.constant(signal)
    frames = clip_statistics.describe_frames(
        tensor, log_mel.power_spectrogram(tensor, config), config
    )
    return {name: values.numpy().T for name, values in frames.items()}


def summary_of(signal: np.ndarray) -> dict[str, float]:
    """Returns our statistics by their names."""
    tensor = tf.constant(signal, tf.float32)
    values = clip_statistics.clip_statistics(
        tensor, log_mel.power_spectrogram(tensor, CONFIG), CONFIG
    )
    return dict(zip(clip_statistics.NAMES, values.numpy(), strict=True))


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Noise, harmonic tones over a noise floor, and a clip of the synthetic corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    spec = CorpusSpec(clip_seconds=6.0)
    track = next(track for track in build_catalogue(spec) if track.fault is None)
    write_clip(spec, track, folder)
    clip = decode_clip(Path(folder, track.file_name).read_bytes(), CONFIG)
    return {
        "noise": np.random.default_rng(0).normal(scale=0.1, size=5 * 22_050).astype("f4"),
        "tones": music(6.0),
        "corpus": clip.pcm16.astype("f4") / 32_768,
    }


def assert_librosas(signal: np.ndarray, config: AudioConfig, tolerance: float = 1.0) -> None:
    """Compares each descriptor in each frame, within `tolerance` times `TOLERANCES`."""
    expected, got = reference(signal, config), described(signal, config)
    assert list(got) == list(expected) == list(clip_statistics.SIZES)
    shapes = {name: values.shape for name, values in expected.items()}
    assert {name: values.shape for name, values in got.items()} == shapes
    differences = {name: np.abs(got[name] - expected[name]).max() for name in expected}
    assert not {name: d for name, d in differences.items() if d > TOLERANCES[name] * tolerance}


@pytest.mark.parametrize("name", ["noise", "tones", "corpus"])
def test_frames_are_librosas(signals: dict[str, np.ndarray], name: str) -> None:
    assert_librosas(signals[name], CONFIG)


def test_frames_of_another_configuration_are_librosas() -> None:
    config = AudioConfig(sample_rate_hz=16_000, n_fft=1024, hop_length=200, fmax_hz=8_000)
    assert_librosas(music(4.0, 16_000, seed=3), config, tolerance=1.5)


# A chroma that is the strongest in every frame is constant: nan in scipy, 0 here.
@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")
@pytest.mark.parametrize("name", ["noise", "tones", "corpus"])
def test_statistics_of_a_clip_are_scipys_of_librosas_frames(
    signals: dict[str, np.ndarray], name: str
) -> None:
    got = summary_of(signals[name])
    assert len(got) == clip_statistics.N_STATISTICS == 490
    functions = {
        "kurtosis": scipy.stats.kurtosis, "max": np.max, "mean": np.mean, "median": np.median,
        "min": np.min, "skew": scipy.stats.skew, "std": np.std,
    }  # fmt: skip
    beyond = {}
    for descriptor, frames in reference(signals[name], CONFIG).items():
        for statistic, function in functions.items():
            is_moment = statistic in ("kurtosis", "skew")
            # None of the others can differ by more than the frames do.
            tolerance = MOMENT_TOLERANCE if is_moment else TOLERANCES[descriptor] + 1e-6
            relative = MOMENT_TOLERANCE if is_moment else 1e-6
            values = np.nan_to_num(function(frames.astype("f8"), axis=1))
            for row, wanted in enumerate(values):
                key = f"{descriptor}.{statistic}.{row + 1:02d}"
                found = got.pop(key)
                if abs(found - wanted) > tolerance + relative * abs(wanted):
                    beyond[key] = (found, wanted)
    assert not beyond
    assert not got


@pytest.mark.parametrize("n_frames", [1, 2, 9, 100, 1_291])
def test_statistics_are_scipys_and_numpys(n_frames: int) -> None:
    rng = np.random.default_rng(n_frames)
    frames = rng.gamma(2.0, size=(n_frames, 5)) * [1e-6, 1, 10, 1e3, 1] + [0, 0, -300, 1e3, 1e4]
    frames = frames.astype("f4")
    got = clip_statistics.summarize(tf.constant(frames)).numpy()
    exact = frames.astype("f8")
    with np.errstate(invalid="ignore"):
        moments = [
            np.nan_to_num(function(exact, axis=0))
            for function in (scipy.stats.kurtosis, scipy.stats.skew)
        ]
    expected = np.stack(
        [moments[0], exact.max(0), exact.mean(0), np.median(exact, 0), exact.min(0), moments[1],
         exact.std(0)]
    )  # fmt: skip
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)


def test_skew_and_kurtosis_of_a_constant_are_zero() -> None:
    constants = np.array([0.0, -100.0, 1 / 3, 1e4], "f4")
    got = clip_statistics.summarize(tf.constant(np.tile(constants, (50, 1)))).numpy()
    by_name = dict(zip(clip_statistics.STATISTICS, got, strict=True))
    assert not by_name["kurtosis"].any()
    assert not by_name["skew"].any()
    assert np.abs(by_name["std"]).max() <= 1e-6
    for name in ("max", "mean", "median", "min"):
        np.testing.assert_allclose(by_name[name], constants, rtol=1e-6)


def test_names_are_in_the_order_of_features_csv() -> None:
    assert clip_statistics.NAMES[0] == "chroma_stft.kurtosis.01"
    assert clip_statistics.NAMES[12] == "chroma_stft.max.01"
    assert clip_statistics.NAMES[84] == "mfcc.kurtosis.01"
    assert "mfcc.mean.20" in clip_statistics.NAMES
    # pandas sorts the columns of that table by descriptor, statistic and number.
    parts = [tuple(name.split(".")) for name in clip_statistics.NAMES]
    assert parts == sorted(set(parts))


@pytest.mark.parametrize("n_frames", [1, 2, 8, 9, 10, 40])
def test_deltas_are_librosas_and_of_few_frames_continue_the_first_and_the_last(
    n_frames: int,
) -> None:
    values = np.random.default_rng(n_frames).normal(size=(n_frames, 3)).astype("f4")
    mode = "nearest" if n_frames < 9 else "interp"
    expected = librosa.feature.delta(values, axis=0, mode=mode)
    got = clip_statistics.delta(tf.constant(values)).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 511, 512, 2_048, 4_095, 22_050])
@pytest.mark.parametrize("scale", [0.0, 1 / 32_768, 1.0])
def test_statistics_of_every_clip_are_finite(n_samples: int, scale: float) -> None:
    signal = np.random.default_rng(n_samples).choice([-scale, scale], n_samples)
    assert np.isfinite(list(summary_of(signal).values())).all()


def test_silence_is_described_as_silence() -> None:
    got = summary_of(np.zeros(22_050))
    assert got["mfcc.mean.01"] == pytest.approx(-100 * np.sqrt(128), rel=1e-5)
    silent = ("rmse", "zcr", "chroma_stft", "spectral_centroid", "spectral_contrast", "tonnetz")
    assert not any(value for name, value in got.items() if name.startswith(silent))
    assert not any(value for name, value in got.items() if ".kurtosis." in name or ".skew." in name)


def test_a_clip_that_is_silent_but_for_a_moment_is_described() -> None:
    signal = np.zeros(22_050, "f4")
    signal[10_000:10_400] = music(1.0)[:400]
    assert_librosas(signal, CONFIG)


def test_a_configuration_without_a_band_of_the_contrast_is_refused() -> None:
    config = AudioConfig(n_fft=64, hop_length=64)
    with pytest.raises(ValueError, match="needs bins from 0 to 200 Hz"):
        clip_statistics.contrast_bands(config)


def test_the_lowest_sample_rate_has_every_band_of_the_contrast() -> None:
    config = AudioConfig(sample_rate_hz=MIN_SAMPLE_RATE_HZ + 1, fmax_hz=6_400.0)
    assert len(clip_statistics.contrast_bands(config)) == 7
