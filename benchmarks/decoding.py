"""From a file to a mono signal at the pipeline's rate: ingestion's decoder against librosa.load."""

from __future__ import annotations

from pathlib import Path

import librosa

from benchmarks.harness import Row, for_each
from benchmarks.workload import Workload
from dataset.audio.decoding import decode_clip

NAME = "decode"


def measure(workload: Workload) -> list[Row]:
    """Reads, decodes, downmixes and resamples every clip, from a warm page cache."""

    def load(path: str) -> object:
        return librosa.load(path, sr=workload.audio.sample_rate_hz, mono=True)

    def decode(path: str) -> object:
        return decode_clip(Path(path).read_bytes(), workload.audio)

    return workload.compare(
        NAME,
        {
            "librosa.load": for_each(load, workload.paths),
            "decode_clip (soundfile, soxr)": for_each(decode, workload.paths),
        },
    )
