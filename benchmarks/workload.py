"""The clips that everything is measured on: a few of the synthetic corpus."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.harness import Row, rows, time_variants
from corpus import CorpusSpec, build_catalogue
from corpus.clips import write_clip
from dataset.config import AudioConfig
from dataset.track import Row as TrackRow
from dataset.track import Track


@dataclasses.dataclass(frozen=True)
class Workload:
    """Clips on disk and how often to measure.

    Attributes:
        folder: a temporary folder, for the clips and whatever a benchmark writes.
        tracks: the clips, 44.1 kHz WAV files, mono and stereo mixed.
        audio: the pipeline's own configuration.
        repeats: measurements of which the median is taken.
    """

    folder: Path
    tracks: list[Track]
    audio: AudioConfig
    repeats: int

    @property
    def paths(self) -> list[str]:
        """The clips' files."""
        return [track.path for track in self.tracks]

    def compare(self, benchmark: str, variants: Mapping[str, Callable[[], object]]) -> list[Row]:
        """Returns the milliseconds a clip of each variant, a call of which handles all clips."""
        seconds = time_variants(variants, repeats=self.repeats)
        figures = {name: 1e3 * taken / len(self.tracks) for name, taken in seconds.items()}
        return rows(benchmark, figures, "ms a clip")


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
    tracks = []
    for track in chosen:
        write_clip(spec, track, folder)
        row = TrackRow(
            track_id=track.track_id,
            artist_id=track.artist.artist_id,
            album_id=track.album.album_id,
            genre=track.artist.genre,
            title=track.title,
        )
        tracks.append(Track(row, str(folder / track.file_name)))
    return Workload(folder, tracks, AudioConfig(), repeats)
