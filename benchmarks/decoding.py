"""From a file to a mono signal at the pipeline's rate: ingestion's decoder against librosa.load."""

from __future__ import annotations

from pathlib import Path

import librosa

from benchmarks.harness import Figures, for_each
from benchmarks.workload import Workload
from dataset.audio.decoding import decode_clip


def measure(workload: Workload) -> Figures:
    """Reads, decodes, downmixes and resamples every clip, from a warm page cache."""

    def load(path: Path) -> object:
        return librosa.load(path, sr=workload.audio.sample_rate_hz, mono=True)

    def decode(path: Path) -> object:
        return decode_clip(path.read_bytes(), workload.audio)

    return workload.compare(
        {
            "librosa.load": for_each(load, workload.paths),
            "decode_clip (soundfile, soxr)": for_each(decode, workload.paths),
        }
    )
