"""TFX's Transform on a few Examples: every genre of `train` is a label, or the run stops."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx import v1 as tfx
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from common.errors import InputError
from components.strict_transform import Executor, check_vocabulary
from dataset.catalogue.listing import list_audio
from dataset.catalogue.plan import plan_ingest
from dataset.config import SPLITS, AudioConfig, DataConfig
from features import example_keys
from pipeline import beam_args
from pipeline.dag import SCHEMA_PATH
from tests.models.conftest import raw_example

AUDIO = AudioConfig(
    n_windows=1, window_samples=2_000, segment_samples=729, n_mels=96, spectrogram_columns=96
)


def make_examples(folder: Path, genres: list[str]) -> standard_artifacts.Examples:
    """Return Examples with a clip of every genre in each split, and FmaExampleGen's summary."""
    samples = np.random.default_rng(0).normal(scale=3_000, size=22_050)
    for split in SPLITS:
        path = folder / "examples" / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for track_id, genre in enumerate(genres):
                writer.write(raw_example(samples, genre, track_id))
    clips = {split: dict.fromkeys(genres, 1) for split in SPLITS}
    (folder / "examples" / "ingest.json").write_text(json.dumps({"clips": clips}))
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(folder / "examples"), json.dumps(list(SPLITS))
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    return examples


def transform(folder: Path, examples: standard_artifacts.Examples) -> str:
    """Run the executor as TFX does and return where the transform graph is."""
    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_bytes(SCHEMA_PATH.read_bytes())
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    graph.uri, transformed.uri = str(folder / "graph"), str(folder / "transformed")
    splits = tfx.proto.SplitsConfig(analyze=["train"], transform=list(SPLITS))
    flags, _ = beam_args.BeamConfig(workers=1).flags(1)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(flags), tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        {
            standard_component_specs.EXAMPLES_KEY: [examples],
            standard_component_specs.SCHEMA_KEY: [schema],
        },
        {
            standard_component_specs.TRANSFORM_GRAPH_KEY: [graph],
            standard_component_specs.TRANSFORMED_EXAMPLES_KEY: [transformed],
        },
        {
            standard_component_specs.PREPROCESSING_FN_KEY: (
                "features.preprocessing.preprocessing_fn"
            ),
            standard_component_specs.SPLITS_CONFIG_KEY: proto_utils.proto_to_json(splits),
            standard_component_specs.CUSTOM_CONFIG_KEY: json.dumps(
                {"audio": dataclasses.asdict(AUDIO), "features": []}
            ),
            standard_component_specs.FORCE_TF_COMPAT_V1_KEY: 0,
            standard_component_specs.DISABLE_STATISTICS_KEY: 1,
        },
    )
    return graph.uri


def test_genres_with_line_breaks_in_an_archive_are_entries_of_the_vocabulary(
    tmp_path: Path,
) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.wav").write_bytes(b"x")
    (tmp_path / "audio" / "b.wav").write_bytes(b"x")
    table = tmp_path / "music.csv"
    table.write_text('path,genre\na.wav,"New\r\nAge"\nb.wav,"Ro\u00adck\u200b"\n')
    data = DataConfig(str(tmp_path / "audio"), tracks_csv=str(table))
    genres = [track.row.genre for track in plan_ingest(data, list_audio(data)).tracks]
    graph = transform(tmp_path, make_examples(tmp_path, genres))
    vocabulary = tft.TFTransformOutput(graph).vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    assert sorted(vocabulary) == [b"New Age", b"Rock"]


def test_a_genre_that_the_vocabulary_cannot_hold_stops_the_run_and_is_named(
    tmp_path: Path,
) -> None:
    examples = make_examples(tmp_path, ["Folk", "New\nAge", "Rock"])
    with pytest.raises(InputError) as caught:
        transform(tmp_path, examples)
    assert str(caught.value) == (
        "expected an entry in the vocabulary for each of the 3 genres of train, got none for "
        r"'New\nAge'; rename them in the archive"
    )
    summary = {"clips": {"train": {"Folk": 1, "Rock": 1}}}
    Path(examples.uri, "ingest.json").write_text(json.dumps(summary))
    check_vocabulary(examples.uri, str(tmp_path / "graph"))
