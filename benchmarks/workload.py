"""The clips that everything is measured on: a few of the synthetic corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.harness import Figures, time_variants
from corpus import CorpusSpec, build_catalogue
from corpus.clips import write_clip
from dataset.config import AudioConfig


@dataclasses.dataclass(frozen=True)
class Workload:
    """Clips on disk and how often to measure.

    Attributes:
        folder: a temporary folder, for the clips and whatever a benchmark writes.
        paths: the clips, 44.1 kHz WAV files, mono and stereo mixed.
        audio: the pipeline's own configuration.
        repeats: measurements of which the median is taken.
    """

    folder: Path
    paths: list[Path]
    audio: AudioConfig
    repeats: int

    def compare(self, variants: Mapping[str, Callable[[], object]]) -> Figures:
        """Returns the milliseconds a clip of each variant, a call of which handles all clips."""
        seconds = time_variants(variants, self.repeats)
        figures = {name: 1e3 * taken / len(self.paths) for name, taken in seconds.items()}
        return Figures(figures, "ms a clip")


def make_workload(folder: Path, *, n_clips: int, clip_seconds: float, repeats: int) -> Workload:
    """Writes the clips below `folder`, genre by genre in turn.

    Raises:
        ValueError: where the corpus has no such clips.
    """
    spec = CorpusSpec(clip_seconds=clip_seconds)
    good = [track for track in build_catalogue(spec) if track.fault is None]
    if not 0 < n_clips <= len(good):
        raise ValueError(f"clips must be from 1 to {len(good)}, got {n_clips}")
    # Every so many-th, so that a few clips are of several genres and artists.
    chosen = good[:: len(good) // n_clips][:n_clips]
    for track in chosen:
        write_clip(spec, track, folder)
    return Workload(folder, [folder / track.file_name for track in chosen], AudioConfig(), repeats)
