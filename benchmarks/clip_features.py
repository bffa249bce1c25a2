"""All features of a clip: Transform's graph against librosa, numpy and scipy doing the same."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import scipy.stats
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.harness import Figures, for_each
from benchmarks.librosa_descriptors import descriptors, magnitudes
from benchmarks.workload import Workload
from dataset.audio.decoding import decode_clip
from dataset.config import AudioConfig
from features import clip_statistics, log_mel, pcm, preprocessing, waveform


def measure(workload: Workload) -> Figures:
    """Computes all features of every decoded clip, one at a time, in memory."""
    config = workload.audio
    clips = [decode_clip(path.read_bytes(), config).pcm16 for path in workload.paths]
    tensors = [tf.constant(clip.astype(np.float32) / 32_768.0) for clip in clips]
    spectra = [log_mel.power_spectrogram(signal, config) for signal in tensors]
    parts = {
        "spectrogram": lambda signal, power: log_mel.power_spectrogram(signal, config),
        "log-mel image": lambda signal, power: log_mel.log_mel_image(power, config),
        "windows": lambda signal, power: waveform.raw_windows(signal, config),
        "statistics": lambda signal, power: clip_statistics.clip_statistics(signal, power, config),
    }

    def of_all(part: Callable[..., Any]) -> Callable[[], None]:
        graph = tf.function(part)
        return for_each(lambda pair: graph(*pair), zip(tensors, spectra, strict=True))

    return workload.compare(
        {
            "librosa, numpy and scipy": for_each(functools.partial(_librosa, config=config), clips),
            "whole graph": for_each(_graph(config), [tf.constant(c.tobytes()) for c in clips]),
            **{f"of that: {name}": of_all(part) for name, part in parts.items()},
        }
    )


def _graph(config: AudioConfig) -> Any:
    """Returns a tf.function: PCM16 bytes to a clip's packed features, as in Transform's graph."""
    parts = (preprocessing.log_mel_image, preprocessing.windows, preprocessing.summary)

    def all_features(pcm16: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(part(pcm.decode_pcm16(pcm16), config) for part in parts)

    return tf.function(all_features, input_signature=[tf.TensorSpec([], tf.string)])


def _librosa(pcm16: NDArray[np.int16], config: AudioConfig) -> tuple[Any, Any, Any]:
    signal = pcm16.astype(np.float32) / 32_768.0
    magnitude = magnitudes(signal, config)
    return (
        _spectrogram(magnitude**2, config),
        _windows(signal, config),
        _statistics(signal, magnitude, config),
    )


def _spectrogram(power: NDArray[np.float32], config: AudioConfig) -> NDArray[np.uint8]:
    mel = librosa.feature.melspectrogram(
        S=power,
        sr=config.sample_rate_hz,
        n_mels=config.n_mels,
        fmin=config.fmin_hz,
        fmax=config.fmax_hz,
    )
    level_db = librosa.power_to_db(mel, ref=np.max, top_db=config.dynamic_range_db)
    # Whole frames only, where the graph shares a frame between two columns.
    edges = np.linspace(0, power.shape[1], config.spectrogram_columns, endpoint=False).astype(int)
    widths = np.maximum(np.diff(edges, append=power.shape[1]), 1)
    pooled = np.add.reduceat(level_db, edges, axis=1) / widths
    return np.round((pooled / config.dynamic_range_db + 1) * 255).astype(np.uint8)[::-1]


def _windows(signal: NDArray[np.float32], config: AudioConfig) -> NDArray[np.int16]:
    kept = signal[: len(signal) // config.window_samples * config.window_samples]
    levelled = np.clip(kept * (waveform.WINDOW_RMS / np.sqrt(np.mean(signal**2))), -1, 1)
    return np.round(levelled * 32_767).astype(np.int16).reshape(-1, config.window_samples)


def _statistics(
    signal: NDArray[np.float32], magnitude: NDArray[np.float32], config: AudioConfig
) -> NDArray[np.float32]:
    frames = np.concatenate(list(descriptors(signal, magnitude, config).values()))
    functions = (
        scipy.stats.kurtosis, np.max, np.mean, np.median, np.min, scipy.stats.skew, np.std,
    )  # fmt: skip
    return np.stack([function(frames, axis=1) for function in functions])
