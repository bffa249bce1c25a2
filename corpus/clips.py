"""The audio file of one track, good or faulty."""

from __future__ import annotations

import wave
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.catalogue import Track
from corpus.seeds import Stream, generator
from corpus.spec import (
    SAMPLE_RATE_HZ,
    SAMPLE_WIDTH_BYTES,
    SHORT_CLIP_SECONDS,
    CorpusSpec,
    PlantedFault,
)
from corpus.synthesis import synthesise
from corpus.variation import artist_style, clip_style

TRUNCATED_BYTES = 20


def write_clip(spec: CorpusSpec, track: Track, audio_dir: Path) -> None:
    """Write the file of a track below the audio folder; one that has no file is left out.

    The bytes depend on the spec and the track alone, so clips may be written in any order and in
    any process.

    Raises:
        OSError: If the file cannot be written.
    """
    if not track.has_file:
        return
    path = audio_dir / track.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_file_bytes(spec, track))


def render_clip(spec: CorpusSpec, track: Track) -> NDArray[np.int16]:
    """Return the samples of a track, int16 of shape ``(frames, channels)`` at 44.1 kHz.

    A silent track is all zeros and a short one has half a second; other faults lie in the file or
    the metadata and do not change the samples.
    """
    if track.fault is PlantedFault.SILENT:
        return np.zeros((spec.clip_frames, track.channels), dtype=np.int16)
    frames = spec.clip_frames
    if track.fault is PlantedFault.TOO_SHORT:
        frames = round(SHORT_CLIP_SECONDS * SAMPLE_RATE_HZ)
    artist = track.artist
    manner = artist_style(artist.genre, generator(spec.seed, Stream.ARTIST, artist.artist_id))
    rng = generator(spec.seed, Stream.CLIP, track.track_id)
    return synthesise(clip_style(manner, artist.genre, rng), frames, track.channels, rng)


def _file_bytes(spec: CorpusSpec, track: Track) -> bytes:
    if track.fault is PlantedFault.EMPTY_FILE:
        return b""
    if track.fault is PlantedFault.UNDECODABLE:
        return _wav_bytes(np.zeros((1, track.channels), dtype=np.int16))[:TRUNCATED_BYTES]
    return _wav_bytes(render_clip(spec, track))


def _wav_bytes(samples: NDArray[np.int16]) -> bytes:
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(SAMPLE_WIDTH_BYTES)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()
