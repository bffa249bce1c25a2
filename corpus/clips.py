"""The audio file of one track, good or faulty."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from corpus.catalogue import Track
from corpus.spec import SAMPLE_RATE_HZ, SHORT_CLIP_SECONDS, CorpusSpec, PlantedFault, Stream
from corpus.synthesis import synthesise
from corpus.variation import artist_style, clip_style


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
    if track.fault is not PlantedFault.EMPTY_FILE:
        soundfile.write(file, render_clip(spec, track), SAMPLE_RATE_HZ, "PCM_16", format="WAV")
    path.write_bytes(file.getvalue()[: 20 if track.fault is PlantedFault.UNDECODABLE else None])


def render_clip(spec: CorpusSpec, track: Track) -> NDArray[np.int16]:
    """Returns the samples of a track: int16 [frames, channels] at 44.1 kHz."""
    if track.fault in (PlantedFault.SILENT, PlantedFault.UNDECODABLE):
        return np.zeros((spec.clip_frames, track.channels), np.int16)
    is_short = track.fault is PlantedFault.TOO_SHORT
    frames = round(SHORT_CLIP_SECONDS * SAMPLE_RATE_HZ) if is_short else spec.clip_frames
    artist = track.artist
    manner = artist_style(artist.genre, spec.generator(Stream.ARTIST, artist.artist_id))
    rng = spec.generator(Stream.CLIP, track.track_id)
    return synthesise(clip_style(manner, artist.genre, rng), frames, track.channels, rng)
