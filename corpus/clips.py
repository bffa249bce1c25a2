"""The audio file of one track, good or faulty."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from corpus.catalogue import Track
from corpus.spec import SAMPLE_RATE_HZ, CorpusSpec, PlantedFault, Stream
from corpus.styles import STYLES
from corpus.synthesis import synthesise
from corpus.variation import varied

ARTIST_BORROWS_CHANCE = 0.25
CLIP_BORROWS_CHANCE = 0.1


def write_clip(spec: CorpusSpec, track: Track, audio_dir: Path) -> None:
    """Writes the file of a track below the audio folder, unless it has none.

    The bytes depend on the spec and the track alone, so clips may be written in any order and in
    any process.
    """
    if track.fault is PlantedFault.MISSING_FILE:
        return
    path = audio_dir / track.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    soundfile.write(file, render_clip(spec, track), SAMPLE_RATE_HZ, "PCM_16", format="WAV")
    kept = {PlantedFault.EMPTY_FILE: 0, PlantedFault.UNDECODABLE: 20}
    path.write_bytes(file.getvalue()[: kept.get(track.fault) if track.fault else None])


def render_clip(spec: CorpusSpec, track: Track) -> NDArray[np.int16]:
    """Returns the samples of a track: int16 [frames, channels] at 44.1 kHz."""
    rng = spec.generator(Stream.ARTIST, track.artist.artist_id)
    artist_style = varied(STYLES[track.artist.genre], ARTIST_BORROWS_CHANCE, rng)
    rng = spec.generator(Stream.CLIP, track.track_id)
    style = varied(artist_style, CLIP_BORROWS_CHANCE, rng)
    samples = synthesise(style, spec.clip_frames, track.channels, rng)
    if track.fault is PlantedFault.SILENT:
        samples[:] = 0
    return samples[: SAMPLE_RATE_HZ // 2] if track.fault is PlantedFault.TOO_SHORT else samples
