"""The configuration classes: what they refuse, in which words, and their way through JSON."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest

from common.config import from_json, to_json
from components.endpoint_deployer.target import EndpointConfig, Machine, Target
from dataset.config import AudioConfig, DataConfig
from evaluation.config import ContestConfig, GateConfig
from models.config import TrainConfig
from pipeline.config import PipelineConfig, TuneConfig

PATHS = {
    "pipeline_root": "p",
    "metadata_path": "d",
    "serving_model_dir": "s",
    "checkpoint_dir": "c",
    "bad_files_path": "b",
}
NEEDED: dict[Any, dict[str, Any]] = {
    DataConfig: {"audio_dir": "a", "metadata_dir": "m"},
    PipelineConfig: {"data": DataConfig("a", "m"), **PATHS},
}


@pytest.mark.parametrize(
    ("cls", "values", "expected"),
    [
        (AudioConfig, {"sample_rate_hz": 12_800, "fmax_hz": 6_000}, "sample_rate_hz must be above"),
        (AudioConfig, {"min_clip_seconds": 0.0}, "min_clip_seconds must be greater than 0, got 0"),
        (AudioConfig, {"clip_seconds": 0.5}, "min_clip_seconds must be at most clip_seconds = 0.5"),
        (AudioConfig, {"min_clip_seconds": math.nan}, "min_clip_seconds must be finite, got nan"),
        (AudioConfig, {"hop_length": 2049}, "hop_length must be at most n_fft = 2048, got 2049"),
        (AudioConfig, {"fmin_hz": -1.0}, "fmin_hz must be at least 0, got -1.0"),
        (AudioConfig, {"fmax_hz": 11_026.0}, "fmax_hz must be above fmin_hz = 0.0 and at most 110"),
        (AudioConfig, {"fmin_hz": 300.0, "fmax_hz": 300.0}, "fmax_hz must be above fmin_hz = 300"),
        (AudioConfig, {"n_mels": 31}, "n_mels must be at least 32, got 31"),
        (AudioConfig, {"segment_samples": 59_000}, "segment_samples must be a power of 3 "),
        (DataConfig, {"subset": "tiny"}, "subset must be one of small, medium, large, full, got "),
        (DataConfig, {"tracks_csv": "t.csv"}, "tracks_csv goes without metadata_dir, got 't.csv'"),
        (DataConfig, {"metadata_dir": "", "fma_features": True}, "metadata_dir must be given for "),
        (
            DataConfig,
            {"audio_dir": "a/{SPAN}", "min_clips_per_genre": 3},
            "min_clips_per_genre goes without {SPAN}, ",
        ),
        (DataConfig, {"max_bad_fraction": 1.5}, "max_bad_fraction must be at least 0 and at most"),
        (DataConfig, {"on_fault": ["padded=skip"]}, "on_fault must be KIND=POLICY, KIND one of "),
        (TrainConfig, {"epochs": 0}, "epochs must be greater than 0, got 0"),
        (TrainConfig, {"learning_rate": math.inf}, "learning_rate must be finite, got inf"),
        (TrainConfig, {"seed": 2**32}, "seed must be at least 0 and at most 4294967295"),
        (TrainConfig, {"dropout": 1.0}, "dropout must be at least 0 and less than 1, got 1.0"),
        (TrainConfig, {"fine_tune_blocks": 17}, "fine_tune_blocks must be at least 1 and at most"),
        (TuneConfig, {"models": ("resnet",)}, "models must be among cnn1d, "),
        (TuneConfig, {"models": ("cnn1d", "cnn1d")}, "models must not repeat, got ('cnn1d', "),
        (GateConfig, {"min_accuracy": 1.01}, "min_accuracy must be at least 0 and at most 1, got "),
        (ContestConfig, {"max_credible_accuracy": 75}, "max_credible_accuracy must be at least 0"),
        (EndpointConfig, {"min_replicas": 0}, "min_replicas must be at least 1, got 0"),
        (PipelineConfig, {"models": ()}, "models must name at least one of "),
        (PipelineConfig, {"models": ("cnn1d", "resnet")}, "models must be among "),
        (PipelineConfig, {"models": ("cnn1d", "cnn1d")}, "models must not repeat, got ('cnn1d', "),
        (
            PipelineConfig,
            {"models": ("fcn5",), "tune": TuneConfig(("cnn1d",))},
            "models must have cnn1d, which is to be tuned, got ('fcn5',)",
        ),
        (PipelineConfig, {"train": TrainConfig(feature_set="fma")}, "data.fma_features must be "),
    ],
)
def test_values_are_refused(cls: Any, values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        cls(**{**NEEDED.get(cls, {}), **values})
    assert str(caught.value).startswith(expected)
    assert ", got " in str(caught.value)


def test_limits_themselves_are_accepted() -> None:
    TrainConfig(epochs=1, seed=2**32 - 1, dropout=0.0, mixup=0.0, fine_tune_blocks=16)
    AudioConfig(sample_rate_hz=12_801, fmax_hz=6_400.0, n_mels=32, spectrogram_columns=32)
    AudioConfig(clip_seconds=1.0, min_clip_seconds=1.0, hop_length=2048, fmax_hz=11_025.0)
    DataConfig("a", "m", max_bad_fraction=0.0)
    GateConfig(0.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "config",
    [
        AudioConfig(clip_seconds=12.5, n_mels=96),
        DataConfig("gs://b/a", "/m", subset="large", genres=("Rock",), metadata_digest="ab"),
        TrainConfig(epochs=3, learning_rate=1e-4, mobilenet_weights="/w.h5"),
        Target("p", "r", EndpointConfig("e", Machine("m", "GPU", 2)), labels=(("a", "b"),)),
    ],
)
def test_a_round_trip_by_json_and_by_pickle(config: Any) -> None:
    text = to_json(config)
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert from_json(type(config), text) == config
    assert from_json(type(config), json.loads(text)) == config
    assert pickle.loads(pickle.dumps(config)) == config


def test_json_is_validated_again() -> None:
    text = to_json(GateConfig()).replace("0.3", "3.0")
    with pytest.raises(ValueError, match=r"min_accuracy must be .*, got 3\.0"):
        from_json(GateConfig, text)


def test_a_model_is_trained_again_only_for_settings_that_it_reads() -> None:
    config = TrainConfig(epochs=3, mixup=0.5, seed=7)
    assert config.only(["epochs"]) == TrainConfig(epochs=3, seed=7)


def test_derived_values_of_audio() -> None:
    assert AudioConfig(clip_seconds=1.00002).clip_samples == 22_050
