"""The configuration: what it refuses, in which words, and its way through JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from common.config import from_json, to_json
from dataset.config import AudioConfig, DataConfig
from evaluation.config import GateConfig
from models.config import TrainConfig
from pipeline.config import PipelineConfig, TuneConfig

PATHS = {
    "data": DataConfig("a", "m"),
    "pipeline_root": "p",
    "metadata_path": "d",
    "serving_model_dir": "s",
    "checkpoint_dir": "c",
    "bad_files_path": "b",
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"sample_rate_hz": 12_800, "fmax_hz": 6_000},
            "sample_rate_hz must be above 12800, for the spectral contrast, got 12800",
        ),
        (
            {"min_clip_seconds": 0.0},
            "min_clip_seconds must be in (0, clip_seconds = 30.0], got 0.0",
        ),
        (
            {"clip_seconds": 0.5},
            "min_clip_seconds must be in (0, clip_seconds = 0.5], got 1.0",
        ),
        (
            {"min_clip_seconds": math.nan},
            "min_clip_seconds must be in (0, clip_seconds = 30.0], got nan",
        ),
        ({"n_fft": 0}, "n_fft must be positive, got 0"),
        ({"hop_length": 2049}, "hop_length must be in (0, n_fft = 2048], got 2049"),
        ({"hop_length": 0}, "hop_length must be in (0, n_fft = 2048], got 0"),
        ({"fmin_hz": -1.0}, "fmin_hz < fmax_hz must lie in [0, 11025.0], got (-1.0, 11025.0)"),
        ({"fmax_hz": 11_026.0}, "fmin_hz < fmax_hz must lie in [0, 11025.0], got (0.0, 11026.0)"),
        (
            {"fmin_hz": 300.0, "fmax_hz": 300.0},
            "fmin_hz < fmax_hz must lie in [0, 11025.0], got (300.0, 300.0)",
        ),
        ({"n_mels": 31}, "n_mels must be at least 32, for MobileNetV2 and FCN-5, got 31"),
        (
            {"spectrogram_columns": 31},
            "spectrogram_columns must be at least 32, for MobileNetV2 and FCN-5, got 31",
        ),
        ({"n_windows": 0}, "n_windows must be positive, got 0"),
        ({"window_samples": 0}, "window_samples must be positive, got 0"),
        ({"dynamic_range_db": 0.0}, "dynamic_range_db must be positive, got 0.0"),
    ],
)
def test_audio_values_are_refused(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        AudioConfig(**values)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"subset": "tiny"},
            "subset must be one of ('small', 'medium', 'large', 'full'), got 'tiny'",
        ),
        (
            {"split": "random"},
            "split must be one of ('auto', 'official', 'artist-grouped', 'file'), got 'random'",
        ),
        ({"labels": "all"}, "labels must be one of ('genre_top', 'tree'), got 'all'"),
        ({"tracks_csv": "t.csv"}, "tracks_csv goes without metadata_dir, got 't.csv'"),
        (
            {"metadata_dir": "", "fma_features": True},
            "metadata_dir must be given for FMA's features.csv, got ''",
        ),
        ({"max_clips_per_genre": -1}, "max_clips_per_genre must not be negative, got -1"),
        ({"min_clips_per_genre": -2}, "min_clips_per_genre must not be negative, got -2"),
        (
            {"audio_dir": "a/{SPAN}", "min_clips_per_genre": 3},
            "min_clips_per_genre goes without {SPAN}, for a genre that a later delivery brings in "
            "would move artists between splits; name the genres instead, got 3",
        ),
        ({"pad_floor_seconds": 0.0}, "pad_floor_seconds must be positive and finite, got 0.0"),
        ({"max_bad_fraction": 1.5}, "max_bad_fraction must be in [0, 1], got 1.5"),
        ({"max_bad_fraction": -0.1}, "max_bad_fraction must be in [0, 1], got -0.1"),
        ({"max_bad_fraction": math.nan}, "max_bad_fraction must be in [0, 1], got nan"),
    ],
)
def test_data_values_are_refused(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        DataConfig(**{"audio_dir": "a", "metadata_dir": "m", **values})
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"epochs": 0}, "epochs must be positive and finite, got 0"),
        ({"batch_size": -1}, "batch_size must be positive and finite, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be positive and finite, got nan"),
        ({"patience": 0}, "patience must be positive, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0 to 2**32 - 1, got -1"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 2**32 - 1, got 4294967296"),
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be in [0, 1), got -0.1"),
        ({"mixup": -0.1}, "mixup must not be negative, got -0.1"),
        ({"mixup": math.inf}, "mixup must not be negative, got inf"),
        ({"fine_tune_epochs": -1}, "fine_tune_epochs must not be negative, got -1"),
        (
            {"fine_tune_blocks": 17},
            "fine_tune_blocks must be from 1 to 16, the inverted-residual blocks of MobileNetV2, "
            "got 17",
        ),
        (
            {"feature_set": "echonest"},
            "feature_set must be one of ('audio', 'fma'), got 'echonest'",
        ),
        ({"pca_components": -1}, "pca_components must not be negative, got -1"),
    ],
)
def test_training_values_are_refused(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        TrainConfig(**values)
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(GateConfig)])
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_thresholds_outside_0_to_1_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError) as caught:
        GateConfig(**{name: value})
    assert str(caught.value) == f"{name} must be in [0, 1], got {value}"


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ((), "models must name at least one of "),
        (("cnn1d", "resnet"), "got 'resnet'"),
        (("cnn1d", "cnn1d"), "models must not repeat, got ('cnn1d', 'cnn1d')"),
    ],
)
def test_models_are_refused(models: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        PipelineConfig(**PATHS, models=models)  # type: ignore[arg-type]
    assert expected in str(caught.value)


def test_the_feature_set_fma_needs_that_features_csv_is_read() -> None:
    train = TrainConfig(feature_set="fma")
    with pytest.raises(ValueError) as caught:
        PipelineConfig(**PATHS, train=train)  # type: ignore[arg-type]
    expected = "data.fma_features must be true for the feature set fma, got False"
    assert str(caught.value) == expected
    data = DataConfig("a", "m", fma_features=True)
    assert PipelineConfig(**{**PATHS, "data": data}, train=train).train.feature_set == "fma"


@pytest.mark.parametrize(
    ("tune", "expected"),
    [
        ({"models": ("resnet",)}, "tune must be among ('cnn1d', "),
        ({"models": ("cnn1d", "cnn1d")}, "tune must not repeat, got ('cnn1d', 'cnn1d')"),
        ({"trials": 0}, "trials must be positive, got 0"),
        ({"epochs": -1}, "epochs must be positive, got -1"),
    ],
)
def test_tuning_values_are_refused(tune: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        TuneConfig(**tune)
    assert expected in str(caught.value)


def test_what_is_tuned_must_be_trained() -> None:
    with pytest.raises(ValueError) as caught:
        PipelineConfig(**PATHS, models=("fcn5",), tune=TuneConfig(("cnn1d",)))  # type: ignore[arg-type]
    assert str(caught.value) == "tune must be among models ('fcn5',), got 'cnn1d'"


def test_a_segment_is_a_power_of_3() -> None:
    with pytest.raises(ValueError, match=r"segment_samples must be a power of 3 .*, got 59000"):
        AudioConfig(segment_samples=59_000)


def test_limits_themselves_are_accepted() -> None:
    TrainConfig(dropout=0.0, label_smoothing=0.0, mixup=0.0)
    AudioConfig(sample_rate_hz=12_801, fmax_hz=6_400.0, n_mels=32, spectrogram_columns=32)
    AudioConfig(clip_seconds=1.0, min_clip_seconds=1.0, hop_length=2048, fmax_hz=11_025.0)
    DataConfig("a", "m", max_bad_fraction=0.0)
    DataConfig("a", "m", max_bad_fraction=1.0)
    TrainConfig(epochs=1, seed=2**32 - 1, fine_tune_epochs=0, fine_tune_blocks=16)
    GateConfig(0.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "config",
    [
        AudioConfig(clip_seconds=12.5, n_mels=96),
        DataConfig("gs://b/a", "/m", subset="large", split="artist-grouped", metadata_digest="ab"),
        TrainConfig(epochs=3, learning_rate=1e-4, mobilenet_weights="/w.h5"),
        GateConfig(0.1, 0.2, 0.3, 0.4),
    ],
)
def test_json_round_trip(config: Any) -> None:
    text = to_json(config)
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert from_json(type(config), text) == config
    assert from_json(type(config), json.loads(text)) == config


def test_json_is_validated_again() -> None:
    text = to_json(GateConfig()).replace("0.3", "3.0")
    with pytest.raises(ValueError, match=r"min_accuracy must be in \[0, 1\], got 3\.0"):
        from_json(GateConfig, text)


def test_derived_values_of_audio() -> None:
    config = AudioConfig(clip_seconds=1.00002, sample_rate_hz=22_050)
    assert config.clip_samples == 22_050
    assert AudioConfig().clip_samples == 661_500
    assert AudioConfig().frames_per_second == pytest.approx(43.066, abs=1e-3)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AudioConfig().n_mels = 3  # type: ignore[misc]
