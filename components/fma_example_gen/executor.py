"""Executor of FmaExampleGen: one Beam element is one shard, so no audio is ever shuffled.

A worker decodes a clip, appends it to the shard's TFRecord and forgets it: memory holds one clip a
thread, and the same input gives the same bytes on every runner.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from google.protobuf import wrappers_pb2
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components import files
from components.fma_example_gen import audio_io, tracks
from components.fma_example_gen.faults import (
    BAD_FILES_NAME,
    SUMMARY_NAME,
    AudioError,
    Fault,
    FaultKind,
    to_csv,
)
from components.fma_example_gen.overlaps import find_overlaps
from models import features
from pipeline import progress
from pipeline.config import SPLITS, AudioConfig, DataConfig, from_json
from pipeline.errors import InputError

_CLIPS_PER_SHARD = 64
_COUNTERS = "fma_example_gen"


@dataclasses.dataclass(frozen=True)
class Shard:
    """Tracks of one split that go to one TFRecord file."""

    split: str
    index: int
    count: int
    tracks: list[tracks.Track]

    @property
    def file_name(self) -> str:
        """Name of the file within the split's folder."""
        return f"data_tfrecord-{self.index:05d}-of-{self.count:05d}.gz"


def plan_shards(data: DataConfig) -> Iterator[Shard]:
    """Yields the shards of a configuration: by split, tracks in the order of their ids."""
    plan = tracks.plan_ingest(data)
    for split in SPLITS:
        members = [track for track in plan.tracks if track.split == split]
        starts = range(0, len(members), _CLIPS_PER_SHARD)
        for index, start in enumerate(starts):
            yield Shard(split, index, len(starts), members[start : start + _CLIPS_PER_SHARD])


class WriteShard(beam.DoFn):
    """Decodes the clips of a shard and writes them; yields one JSON-able outcome a track."""

    def __init__(self, split_uris: dict[str, str], audio: AudioConfig):
        """Keeps where each split is written and how a clip is decoded."""
        self._split_uris = split_uris
        self._audio = audio

    def process(self, shard: Shard) -> Iterator[dict[str, Any]]:
        """Writes the shard aside and moves it into place once it is whole."""
        path = files.join(self._split_uris[shard.split], shard.file_name)
        aside = f"{path}.tmp"
        outcomes: list[dict[str, Any]] = []
        with tf.io.TFRecordWriter(aside, _gzip()) as writer:
            for track in shard.tracks:
                try:
                    record = read_example(track, self._audio)
                    writer.write(record)
                    outcomes.append(
                        {
                            "split": shard.split,
                            "genre": track.row.genre,
                            "track_id": track.row.track_id,
                            "artist_id": track.row.artist_id,
                            "digest": _audio_digest(record),
                        }
                    )
                except AudioError as error:
                    beam.metrics.Metrics.counter(_COUNTERS, error.kind.value).inc()
                    fault = Fault(track.path, track.row.track_id, error.kind, error.detail)
                    outcomes.append({"fault": dataclasses.asdict(fault)})
                beam.metrics.Metrics.counter(_COUNTERS, "tracks").inc()
                progress.advance()
        files.move(aside, path)
        yield from outcomes


def _audio_digest(record: bytes) -> str:
    """Returns a digest of 16 bytes, in hex, of the PCM in a serialized Example."""
    feature = tf.train.Example.FromString(record).features.feature
    (pcm16,) = feature[features.AUDIO].bytes_list.value
    return hashlib.blake2b(pcm16, digest_size=16).hexdigest()


def _gzip() -> tf.io.TFRecordOptions:
    # PCM hardly shrinks: the fastest level costs a few percent of size and saves most of the time.
    return tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def read_example(track: tracks.Track, audio: AudioConfig) -> bytes:
    """Returns the serialized raw Example of a track.

    Raises:
        AudioError: where its audio cannot be used.
    """
    try:
        with files.open_binary(track.path) as handle:
            data = handle.read(audio_io.MAX_FILE_BYTES + 1)
    except OSError as error:
        raise AudioError(FaultKind.UNREADABLE, error.strerror or str(error)) from error
    if len(data) > audio_io.MAX_FILE_BYTES:
        detail = f"more than {audio_io.MAX_FILE_BYTES} bytes"
        raise AudioError(FaultKind.TOO_LARGE, detail)
    clip = audio_io.decode_clip(data, audio)
    feature = {
        features.AUDIO: _bytes(clip.pcm16.tobytes()),
        features.TRACK_ID: _int64(track.row.track_id),
        features.ARTIST_ID: _int64(track.row.artist_id),
        features.ALBUM_ID: _int64(track.row.album_id),
        features.GENRE: _bytes(track.row.genre.encode()),
        features.TITLE: _bytes(track.row.title.encode()),
        features.LICENSE: _bytes(track.row.license.encode()),
        features.YEAR: _int64(track.row.year),
        features.SOURCE_RATE_HZ: _int64(clip.source_rate_hz),
        features.SOURCE_CHANNELS: _int64(clip.source_channels),
        features.DURATION_SECONDS: tf.train.Feature(
            float_list=tf.train.FloatList(value=[clip.duration_seconds])
        ),
        features.FMA_FEATURES: _bytes(track.fma_features),
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return bytes(example.SerializeToString(deterministic=True))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the splits, the bad-file list and a summary into the Examples artifact."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the ingestion.

        Raises:
            InputError: where too many files are bad, or what is left cannot train a classifier.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        custom = unpack_custom_config(exec_properties)
        data = from_json(DataConfig, custom["data"])
        audio = from_json(AudioConfig, custom["audio"])
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        split_uris = {split: artifact_utils.get_split_uri([examples], split) for split in SPLITS}

        plan = tracks.plan_ingest(data)
        tracks.check_trainable(plan.clips, data.audio_dir)
        progress.start(len(plan.tracks))
        outcomes = self._write_splits(data, audio, split_uris, files.join(examples.uri, "outcomes"))

        faults = plan.faults + [_fault(outcome) for outcome in outcomes if "fault" in outcome]
        written = [outcome for outcome in outcomes if "fault" not in outcome]
        clips = Counter((clip["split"], clip["genre"]) for clip in written)
        files.write_text(files.join(examples.uri, BAD_FILES_NAME), to_csv(faults))
        files.write_text(files.join(examples.uri, SUMMARY_NAME), _summary(clips, faults, written))
        # TFX removes a failed component's outputs, and the list is what the user needs then.
        files.write_text(custom["bad_files_path"], to_csv(faults))
        check_faults(faults, sum(clips.values()), data.max_bad_fraction, custom["bad_files_path"])
        tracks.check_trainable(clips, f"{data.audio_dir}, see {custom['bad_files_path']}")

        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)

    def _write_splits(
        self, data: DataConfig, audio: AudioConfig, split_uris: dict[str, str], outcomes_path: str
    ) -> list[dict[str, Any]]:
        """Runs the Beam pipeline and returns one outcome a track, in no particular order."""
        for uri in split_uris.values():
            fileio.makedirs(uri)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Configuration" >> beam.Create([data])
                # The workers read the metadata themselves: a large archive's rows do not fit in
                # the job description that goes to a remote runner.
                | "PlanShards" >> beam.FlatMap(plan_shards)
                | "SpreadShards" >> beam.Reshuffle()
                | "WriteShards" >> beam.ParDo(WriteShard(split_uris, audio))
                | "Collect" >> beam.combiners.ToList()
                | "WriteOutcomes" >> beam.Map(_write_outcomes, outcomes_path)
            )
        outcomes = json.loads(files.read_text(outcomes_path))
        fileio.remove(outcomes_path)
        return outcomes


def _write_outcomes(outcomes: Iterable[dict[str, Any]], path: str) -> None:
    files.write_text(path, json.dumps(list(outcomes)))


def _fault(outcome: dict[str, Any]) -> Fault:
    values = outcome["fault"]
    return Fault(**{**values, "kind": FaultKind(values["kind"])})


def _summary(
    clips: Counter[tuple[str, str]], faults: list[Fault], written: list[dict[str, Any]]
) -> str:
    by_split: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    for (split, genre), count in sorted(clips.items()):
        by_split[split][genre] = count
    kinds = Counter(fault.kind.value for fault in faults)
    summary = {
        "clips": by_split,
        "faults": dict(sorted(kinds.items())),
        "overlaps": find_overlaps(written),
    }
    return json.dumps(summary, indent=2)


def check_faults(faults: list[Fault], n_good: int, max_bad_fraction: float, list_path: str) -> None:
    """Makes sure that no more than `max_bad_fraction` of the files are bad.

    Args:
        faults: all faults.
        n_good: number of clips that were written.
        max_bad_fraction: the most that is tolerated, in [0, 1].
        list_path: where the list is.

    Raises:
        InputError: naming the list.
    """
    n_bad = sum(fault.kind.counts_as_bad for fault in faults)
    if n_bad > max_bad_fraction * (n_bad + n_good):
        raise InputError(
            f"{n_bad} of {n_bad + n_good} tracks are bad, more than the "
            f"{100 * max_bad_fraction:g}% that --max-bad-fraction allows; see {list_path}"
        )


def pack_custom_config(values: dict[str, Any]) -> example_gen_pb2.CustomConfig:
    """Returns JSON-able values as the message that ExampleGen takes."""
    config = example_gen_pb2.CustomConfig()
    text = json.dumps(values, sort_keys=True)
    config.custom_config.Pack(wrappers_pb2.StringValue(value=text))
    return config


def unpack_custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the values that `pack_custom_config` packed, from the execution properties."""
    config = example_gen_pb2.CustomConfig()
    text = exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY]
    proto_utils.json_to_proto(text, config)
    value = wrappers_pb2.StringValue()
    config.custom_config.Unpack(value)
    return dict(json.loads(value.value))
