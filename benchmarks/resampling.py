"""Resampling in the serving graph against soxr, which ingestion uses."""

from __future__ import annotations

import soundfile
import soxr
import tensorflow as tf

from benchmarks.harness import Figures, for_each
from benchmarks.workload import Workload
from features import resampling


def measure(workload: Workload) -> Figures:
    """Resamples every decoded clip from its own rate to the pipeline's, in memory."""
    to_hz = workload.audio.sample_rate_hz
    signals = []
    for path in workload.paths:
        channels, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        signals.append((channels.mean(axis=1), rate_hz))
    tensors = [(tf.constant(signal), tf.constant(rate_hz)) for signal, rate_hz in signals]

    graph = tf.function(
        lambda signal, rate_hz: resampling.resample(signal, rate_hz, to_hz),
        input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)],
    )
    return workload.compare(
        {
            "soxr, HQ": for_each(
                lambda clip: soxr.resample(clip[0], clip[1], to_hz, quality="HQ"), signals
            ),
            "resample in a graph": for_each(lambda clip: graph(*clip), tensors),
        }
    )
