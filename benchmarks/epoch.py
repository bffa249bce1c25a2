"""An epoch's reading: audio files decoded every time against TFRecords written once."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from benchmarks.clip_features import clip_graph
from benchmarks.harness import Row, for_each
from benchmarks.ingestion import ingest
from benchmarks.workload import Workload
from dataset.audio.decoding import decode_clip
from features import example_keys, pcm
from models.training import input_fn

NAME = "epoch"


def measure(workload: Workload) -> list[Row]:
    """Reads every clip once, from a warm page cache.

    The first two variants end with signals, the other two with the features that models train on.
    """
    config = workload.audio
    graph = clip_graph(config)
    raw = ingest(workload.tracks, config, workload.folder)
    transformed = write_transformed_examples(workload, raw)

    def decode(path: str) -> bytes:
        return decode_clip(Path(path).read_bytes(), config).pcm16.tobytes()

    def read_raw() -> None:
        for _ in raw_clips(raw).map(pcm.decode_pcm16):
            pass

    def read_transformed() -> None:
        for _ in input_fn.clips([transformed], example_keys.LOG_MEL):
            pass

    return workload.compare(
        NAME,
        {
            "audio files, decoded": for_each(decode, workload.paths),
            "raw Examples": read_raw,
            "audio files, decoded, then features": for_each(
                lambda path: graph(tf.constant(decode(path))), workload.paths
            ),
            "transformed records": read_transformed,
        },
    )


def raw_clips(path: str) -> tf.data.Dataset:
    """Returns a dataset of PCM16 bytes, a scalar a clip."""
    spec = {example_keys.AUDIO: tf.io.FixedLenFeature([], tf.string)}
    records = tf.data.TFRecordDataset(path, compression_type="GZIP")
    return records.map(lambda record: tf.io.parse_single_example(record, spec)[example_keys.AUDIO])


def write_transformed_examples(workload: Workload, raw: str) -> str:
    """Writes the features of the clips in `raw` as Transform does and returns the file's path."""
    graph = clip_graph(workload.audio)
    path = str(workload.folder / "transformed.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for pcm16 in raw_clips(raw):
            spectrogram, windows, summary = graph(pcm16)
            feature = {
                example_keys.LOG_MEL: _bytes(spectrogram),
                example_keys.WINDOWS: _bytes(windows),
                example_keys.STATISTICS: _bytes(summary),
                example_keys.LABEL: tf.train.Feature(int64_list=tf.train.Int64List(value=[0])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return path


def _bytes(value: tf.Tensor) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.numpy()]))
