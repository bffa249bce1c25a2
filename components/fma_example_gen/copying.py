"""Pass two: the staged clips, each into its split."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import apache_beam as beam
import tensorflow as tf

from common import files
from components.fma_example_gen import raw_examples
from components.fma_example_gen.staging import staged_path
from dataset.copy_plan import Copy
from features import example_keys


class CopyClips(beam.DoFn):
    """Writes the clips of a staged file into their splits."""

    def __init__(self, folder: str, split_uris: Mapping[str, str]):
        """Keeps where files are staged and where each split is."""
        self._folder = folder
        self._split_uris = split_uris

    def process(self, copy: Copy) -> None:
        """Writes every file aside and moves it into place once it is whole."""
        paths = {
            split: files.join(self._split_uris[split], name)
            for split, name in copy.file_names.items()
        }
        with contextlib.ExitStack() as stack:
            writers = {
                split: stack.enter_context(tf.io.TFRecordWriter(f"{path}.tmp", _gzip()))
                for split, path in paths.items()
            }
            written = set()
            for track_id, record in self._records(copy):
                writers[copy.split_of[track_id]].write(record)
                written.add(track_id)
        if written != copy.split_of.keys():
            missing = sorted(copy.split_of.keys() - written)
            raise RuntimeError(f"staged file {copy.batch} has lost the clips of tracks {missing}")
        for path in paths.values():
            files.move(f"{path}.tmp", path)

    def _records(self, copy: Copy) -> Iterator[tuple[int, bytes]]:
        staged = tf.data.TFRecordDataset(staged_path(self._folder, copy.batch))
        for record in staged.as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            (track_id,) = feature[example_keys.TRACK_ID].int64_list.value
            if track_id in copy.padded:
                yield track_id, raw_examples.padded(record, copy.padded[track_id])
            elif track_id in copy.split_of:
                yield track_id, record


def _gzip() -> tf.io.TFRecordOptions:
    # PCM hardly shrinks: the fastest level costs a few percent of size and saves most of the time.
    return tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
