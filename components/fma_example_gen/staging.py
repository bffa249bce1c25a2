"""Pass one: every track is decoded once, into staged TFRecords that no split owns yet.

Which split a clip belongs to is known only when all are decoded: a recording that is there twice
must not be in two splits, and a genre may have lost clips. So one Beam element is one file of
`TRACKS_PER_FILE` tracks, in the order of their ids; a worker decodes a clip, appends it and forgets
it. Memory holds one clip a thread, no audio is shuffled, and the same input gives the same bytes on
every runner.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator

import apache_beam as beam
import tensorflow as tf
from google.api_core.exceptions import ClientError

from common import files, progress
from components.fma_example_gen import raw_examples
from components.fma_example_gen.staging_files import read_catalogue
from dataset.audio.decoding import Clip
from dataset.audio.reading import MAX_FILE_BYTES
from dataset.audio.sandbox import Decoder
from dataset.bad_files import AudioError, FaultKind
from dataset.config import AudioConfig
from dataset.track import Track
from dataset.validation import Outcome

TRACKS_PER_FILE = 64
COUNTERS = "fma_example_gen"


@dataclasses.dataclass(frozen=True)
class Batch:
    """The tracks of one staged file."""

    index: int
    tracks: list[Track]


def batches(folder: str) -> Iterator[Batch]:
    """Yields the tracks of the catalogue in a staging folder, by staged file."""
    tracks = read_catalogue(folder).tracks
    for index, start in enumerate(range(0, len(tracks), TRACKS_PER_FILE)):
        yield Batch(index, tracks[start : start + TRACKS_PER_FILE])


def staged_path(folder: str, index: int) -> str:
    """Returns the path of a staged file."""
    return files.join(folder, f"staged-{index:05d}.tfrecord")


class Stage(beam.DoFn):
    """Decodes the tracks of a batch and writes those that can be used; yields an Outcome each."""

    def __init__(self, folder: str, audio: AudioConfig):
        """Keeps where files are staged and how a clip is decoded."""
        self._folder = folder
        self._audio = audio

    def setup(self) -> None:
        """Prepares a decoder, whose process starts with the first clip."""
        self._decoder = Decoder(self._audio)

    def teardown(self) -> None:
        """Ends the decoder's process."""
        self._decoder.close()

    def process(self, batch: Batch) -> Iterator[Outcome]:
        """Writes the file aside and moves it into place once it is whole."""
        path = staged_path(self._folder, batch.index)
        aside = f"{path}.tmp"
        outcomes = []
        with tf.io.TFRecordWriter(aside) as writer:
            for track in batch.tracks:
                outcomes.append(self._stage(track, batch.index, writer))
                beam.metrics.Metrics.counter(COUNTERS, "tracks").inc()
                progress.advance()
        files.move(aside, path)
        yield from outcomes

    def _stage(self, track: Track, index: int, writer: tf.io.TFRecordWriter) -> Outcome:
        try:
            clip = self._decoder.decode(read_bounded(track.path))
        except AudioError as error:
            beam.metrics.Metrics.counter(COUNTERS, error.kind.value).inc()
            return Outcome(track.row.track_id, index, kind=error.kind.value, detail=error.detail)
        writer.write(raw_examples.serialize(track, clip))
        return Outcome(
            track.row.track_id,
            index,
            digest=_digest(clip),
            seconds=clip.duration_seconds,
            near_silent=clip.near_silent,
            out_of_phase=clip.out_of_phase,
        )


def read_bounded(path: str) -> bytes:
    """Returns what is in an audio file.

    Raises:
        AudioError: where it cannot be read or is larger than any clip.
    """
    try:
        with files.open_binary(path) as handle:
            data = handle.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise AudioError(FaultKind.UNREADABLE, error.strerror or str(error)) from error
    except ClientError as error:  # a bucket's, of an object that is gone or not to be read
        raise AudioError(FaultKind.UNREADABLE, error.message) from error
    if len(data) > MAX_FILE_BYTES:
        raise AudioError(FaultKind.TOO_LARGE, f"more than {MAX_FILE_BYTES} bytes")
    return data


def _digest(clip: Clip) -> str:
    """Returns a digest of 16 bytes, in hex, of a clip's PCM."""
    return hashlib.blake2b(clip.pcm16.tobytes(), digest_size=16).hexdigest()
