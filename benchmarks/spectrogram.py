"""The log-mel spectrogram in TensorFlow against librosa, with the bare FFT as the floor."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import tensorflow as tf

from benchmarks.harness import Row, for_each
from benchmarks.workload import Workload
from dataset.audio.decoding import decode_clip
from dataset.config import AudioConfig
from features import log_mel

NAME = "log-mel"


def measure(workload: Workload) -> list[Row]:
    """Computes the log-mel spectrogram of every decoded clip, one at a time, in memory."""
    config = workload.audio
    clips = [decode_clip(Path(path).read_bytes(), config).pcm16 for path in workload.paths]
    signals = [clip.astype(np.float32) / 32_768.0 for clip in clips]
    tensors = [tf.constant(signal) for signal in signals]

    signature = [tf.TensorSpec([None], tf.float32)]
    rfft = tf.function(lambda signal: _rfft(signal, config), input_signature=signature)
    in_a_graph = tf.function(
        lambda signal: log_mel.log_mel_db(log_mel.power_spectrogram(signal, config), config),
        input_signature=signature,
    )
    reference = functools.partial(_librosa, config=config)
    return workload.compare(
        NAME,
        {
            "librosa, with power_to_db": for_each(reference, signals),
            "log_mel_db in a graph": for_each(in_a_graph, tensors),
            "floor: rfft of the same frames": for_each(rfft, tensors),
        },
    )


def _rfft(signal: tf.Tensor, config: AudioConfig) -> tf.Tensor:
    padded = tf.pad(signal, [[config.n_fft // 2, config.n_fft // 2]])
    return tf.signal.rfft(tf.signal.frame(padded, config.n_fft, config.hop_length))


def _librosa(signal: np.ndarray[Any, np.dtype[np.float32]], config: AudioConfig) -> Any:
    power = librosa.feature.melspectrogram(
        y=signal,
        sr=config.sample_rate_hz,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        n_mels=config.n_mels,
        fmin=config.fmin_hz,
        fmax=config.fmax_hz,
    )
    return librosa.power_to_db(power, ref=np.max, top_db=config.dynamic_range_db)
