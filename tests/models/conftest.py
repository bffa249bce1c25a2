"""A tiny archive that went through TFT, and helpers to look at it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public import tfxio

from dataset.config import AudioConfig
from features import example_keys
from features.preprocessing import FEATURES, preprocessing_fn
from models.config import TrainConfig
from models.registry import MODELS
from pipeline import beam_args
from tests.models.trainer import train_and_export

ALL_FEATURES = [*FEATURES, example_keys.FMA_FEATURES]
SCHEMA = Path(__file__).parents[2] / "dataset" / "schema.pbtxt"


@dataclasses.dataclass(frozen=True)
class Transformed:
    """What Transform leaves behind, and what it was made of."""

    config: AudioConfig
    raw: list[bytes]
    genres: list[str]
    output: tft.TFTransformOutput
    pattern: str


def fma_features(track_id: int) -> NDArray[Any]:
    """Returns the row of features.csv that a track has here: float32 [518]."""
    return np.random.default_rng(track_id).normal(size=example_keys.N_FMA_FEATURES).astype("<f4")


def raw_example(pcm16: NDArray[Any], genre: str, track_id: int) -> bytes:
    """Returns a serialized raw Example."""
    text = {example_keys.GENRE: genre, example_keys.TITLE: "t", example_keys.LICENSE: "l",
            example_keys.ARTIST: "a"}  # fmt: skip
    numbers = {
        example_keys.TRACK_ID: track_id,
        example_keys.ARTIST_ID: 1,
        example_keys.ALBUM_ID: 1,
        example_keys.YEAR: 2_001,
        example_keys.SOURCE_RATE_HZ: 22_050,
        example_keys.SOURCE_CHANNELS: 1,
    }
    example = tf.train.Example()
    feature = example.features.feature
    feature[example_keys.AUDIO].bytes_list.value.append(pcm16.astype("<i2").tobytes())
    feature[example_keys.FMA_FEATURES].bytes_list.value.append(fma_features(track_id).tobytes())
    for key, value in text.items():
        feature[key].bytes_list.value.append(value.encode())
    for key, number in numbers.items():
        feature[key].int64_list.value.append(number)
    feature[example_keys.DURATION_SECONDS].float_list.value.append(len(pcm16) / 22_050)
    return example.SerializeToString()


def _tone(index: int, seconds: float) -> NDArray[Any]:
    """Low tones for the first genre, high ones for the second, noise for the third."""
    rng = np.random.default_rng(index)
    time = np.arange(round(seconds * 22_050)) / 22_050
    kind = index % 3
    if kind == 2:
        signal = rng.normal(scale=0.2, size=len(time))
    else:
        low, high = ((100, 300), (2_000, 4_000))[kind]
        signal = 0.5 * np.sin(2 * np.pi * rng.uniform(low, high) * time)
        signal += rng.normal(scale=0.01, size=len(time))
    return np.clip(signal * 32_768, -32_768, 32_767)


@pytest.fixture(scope="session")
def transformed(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """24 clips of three genres through the real preprocessing_fn in Beam."""
    folder = tmp_path_factory.mktemp("transformed")
    # Small spectrograms and windows, so that networks train in seconds.
    config = AudioConfig(
        n_windows=3, window_samples=2_000, segment_samples=729, n_mels=96, spectrogram_columns=96
    )
    names = ("low", "high", "noise")
    genres = [names[index % 3] for index in range(24)]
    raw = [
        raw_example(_tone(index, 2 + index / 10), genre, index)
        for index, genre in enumerate(genres)
    ]
    schema = text_format.Parse(SCHEMA.read_text(), schema_pb2.Schema())
    source = tfxio.TFExampleBeamRecord(
        physical_format="inmem", telemetry_descriptors=["tests"], schema=schema
    )
    flags, _ = beam_args.BeamConfig(workers=1).flags(1)
    options = PipelineOptions(list(flags))
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        records = pipeline | beam.Create(raw) | source.RawRecordToRecordBatch()
        dataset = (records, source.TensorAdapterConfig())
        (data, metadata), transform_fn = dataset | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(
                inputs, {"audio": dataclasses.asdict(config), "features": ALL_FEATURES}
            )
        )
        coder = tft.coders.ExampleProtoCoder(metadata.schema)
        _ = (
            data
            | beam.Map(coder.encode)
            | beam.io.WriteToTFRecord(
                str(folder / "examples"), file_name_suffix=".gz", num_shards=1
            )
        )
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    return Transformed(
        config, raw, genres, tft.TFTransformOutput(str(folder / "graph")), f"{folder}/examples*"
    )


@pytest.fixture(scope="session", params=MODELS)
def trained(
    request: pytest.FixtureRequest,
    transformed: Transformed,
    tmp_path_factory: pytest.TempPathFactory,
) -> SimpleNamespace:
    """Every model, trained and exported, and its SavedModel, loaded."""
    train = TrainConfig(epochs=5, batch_size=4, mobilenet_weights="none", learning_rate=3e-3)
    folder = tmp_path_factory.mktemp(request.param)
    done = train_and_export(request.param, transformed, folder, train)
    done.loaded = tf.saved_model.load(done.fn_args.serving_model_dir)
    return done
