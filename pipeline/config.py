"""One run of the pipeline: the configurations of the rooms together, and which models."""

from __future__ import annotations

import dataclasses

from common.config import require
from dataset.config import AudioConfig, DataConfig
from evaluation.config import ContestConfig, GateConfig
from models.config import TrainConfig
from models.registry import MODEL_NAMES, NETWORKS


@dataclasses.dataclass(frozen=True)
class TuneConfig:
    """Which networks' hyperparameters are searched for, and how long.

    A trial trains a network for at most `epochs` epochs a stage, on `train`; `eval` compares them.
    """

    models: tuple[str, ...] = ()
    trials: int = 8
    epochs: int = 10

    def __post_init__(self) -> None:
        """Raises ValueError for a model that is no network, or a count that is not positive."""
        for model in self.models:
            require(model in NETWORKS, f"tune must be among {tuple(NETWORKS)}", model)
        require(len(set(self.models)) == len(self.models), "tune must not repeat", self.models)
        for name in ("trials", "epochs"):
            require(getattr(self, name) > 0, f"{name} must be positive", getattr(self, name))


@dataclasses.dataclass(frozen=True)
class PipelineConfig:
    """One run of the pipeline, on any platform.

    `metadata_path` is empty where the platform keeps the metadata. `retried` has, for models whose
    last training failed, (model, digest of the note that it left), which stands in the cache key.
    """

    data: DataConfig
    pipeline_root: str
    metadata_path: str
    serving_model_dir: str
    checkpoint_dir: str
    bad_files_path: str
    name: str = "music-genre"
    models: tuple[str, ...] = MODEL_NAMES
    audio: AudioConfig = AudioConfig()
    train: TrainConfig = TrainConfig()
    tune: TuneConfig = TuneConfig()
    gate: GateConfig = GateConfig()
    contest: ContestConfig = ContestConfig()
    beam_args: tuple[str, ...] = ()
    retried: tuple[tuple[str, str], ...] = ()
    enable_cache: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for names that do not fit together, or features that are not read."""
        require(bool(self.models), f"models must name at least one of {MODEL_NAMES}", self.models)
        for model in self.models:
            require(model in MODEL_NAMES, f"models must be among {MODEL_NAMES}", model)
        require(len(set(self.models)) == len(self.models), "models must not repeat", self.models)
        for model in self.tune.models:
            require(model in self.models, f"tune must be among models {self.models}", model)
        require(
            self.train.feature_set != "fma" or self.data.fma_features,
            "data.fma_features must be true for the feature set fma",
            self.data.fma_features,
        )
