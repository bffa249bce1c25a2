"""One run of the pipeline: the configurations of the rooms together, and which models."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from common.config import POSITIVE, Config, Flag, Group, require
from dataset.config import AudioConfig, DataConfig
from evaluation.config import ContestConfig, GateConfig
from models.config import TrainConfig
from models.registry import MODEL_NAMES, NETWORKS, PRESETS


@dataclasses.dataclass(frozen=True)
class TuneConfig(Config):
    """Which networks' hyperparameters are searched for; trials are compared on `eval`."""

    models: Annotated[
        tuple[str, ...],
        Flag("networks to tune before they are trained; default: none", "NAME,NAME…", "tune"),
    ] = ()
    trials: Annotated[int, POSITIVE, Flag("trials of each network", "N", "tuner-trials")] = 8
    epochs: Annotated[
        int, POSITIVE, Flag("maximum number of epochs of a stage of a trial", "N", "tuner-epochs")
    ] = 10

    def __post_init__(self) -> None:
        """Raises ValueError for a model that is no network, or is named twice."""
        super().__post_init__()
        for model in self.models:
            require(model in NETWORKS, f"models must be among {', '.join(NETWORKS)}", model)
        require(len(set(self.models)) == len(self.models), "models must not repeat", self.models)


@dataclasses.dataclass(frozen=True)
class PipelineConfig(Config):
    """One run of the pipeline, on any platform."""

    data: Annotated[DataConfig, Group("data")]
    pipeline_root: str
    metadata_path: str  # empty where the platform keeps the metadata
    serving_model_dir: str
    checkpoint_dir: str
    bad_files_path: str
    name: str = "music-genre"
    models: Annotated[
        tuple[str, ...],
        Flag(
            f"models to train and compare: {', '.join(PRESETS)}, or names of "
            f"{', '.join(MODEL_NAMES)}; default: fast, all that need no GPU",
            "NAME,NAME…", group="training",
        ),
    ] = PRESETS["fast"]  # fmt: skip
    audio: Annotated[AudioConfig, Group("data")] = AudioConfig()
    train: Annotated[TrainConfig, Group("training")] = TrainConfig()
    tune: Annotated[TuneConfig, Group("tuning")] = TuneConfig()
    contest: Annotated[ContestConfig, Group("contest, on the eval split")] = ContestConfig()
    gate: Annotated[GateConfig, Group("gate, on the test split")] = GateConfig()
    beam_args: tuple[str, ...] = ()
    # Of models whose last training failed: (model, digest of its note), for the cache key.
    retried: tuple[tuple[str, str], ...] = ()
    enable_cache: Annotated[
        bool, Flag("reuse what earlier runs computed", name="cache", group="run")
    ] = True

    def __post_init__(self) -> None:
        """Raises ValueError for names that do not fit together, or features that are not read."""
        super().__post_init__()
        known = ", ".join([*PRESETS, *MODEL_NAMES])
        require(len(set(self.models)) == len(self.models), "models must not repeat", self.models)
        expanded = [name for entry in self.models for name in PRESETS.get(entry, (entry,))]
        object.__setattr__(self, "models", tuple(dict.fromkeys(expanded)))
        require(bool(self.models), f"models must name at least one of {known}", self.models)
        for model in self.models:
            require(model in MODEL_NAMES, f"models must be among {known}", model)
        for model in self.tune.models:
            is_trained = model in self.models
            require(is_trained, f"models must have {model}, which is to be tuned", self.models)
        require(
            self.train.feature_set != "fma" or self.data.fma_features,
            "data.fma_features must be true for the feature set fma",
            self.data.fma_features,
        )
