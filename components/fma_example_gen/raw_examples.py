"""One clip as the serialized `tf.train.Example` that everything downstream starts from."""

from __future__ import annotations

import tensorflow as tf

from dataset.audio.decoding import Clip
from dataset.track import Track
from features import example_keys


def serialize(track: Track, clip: Clip) -> bytes:
    """Returns the raw Example of a track, the same bytes on every machine."""
    row = track.row
    feature = {
        example_keys.AUDIO: _bytes(clip.pcm16.tobytes()),
        example_keys.TRACK_ID: _int64(row.track_id),
        example_keys.ARTIST: _bytes(row.artist.encode()),
        example_keys.ARTIST_ID: _int64(row.artist_id),
        example_keys.ALBUM_ID: _int64(row.album_id),
        example_keys.GENRE: _bytes(row.genre.encode()),
        example_keys.TITLE: _bytes(row.title.encode()),
        example_keys.LICENSE: _bytes(row.license.encode()),
        example_keys.YEAR: _int64(row.year),
        example_keys.SOURCE_RATE_HZ: _int64(clip.source_rate_hz),
        example_keys.SOURCE_CHANNELS: _int64(clip.source_channels),
        example_keys.DURATION_SECONDS: tf.train.Feature(
            float_list=tf.train.FloatList(value=[clip.duration_seconds])
        ),
        example_keys.FMA_FEATURES: _bytes(track.fma_features),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(example.SerializeToString(deterministic=True))


def padded(record: bytes, n_samples: int) -> bytes:
    """Returns the Example with silence after its audio, up to `n_samples` of PCM16."""
    example = tf.train.Example.FromString(record)
    values = example.features.feature[example_keys.AUDIO].bytes_list.value
    values[0] = values[0].ljust(2 * n_samples, b"\0")
    return bytes(example.SerializeToString(deterministic=True))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
