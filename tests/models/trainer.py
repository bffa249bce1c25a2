"""Runs the trainer as TFX does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models import run_fn, saved_model
from models.config import TrainConfig
from models.registry import MODELS


def train_and_export(
    name: str,
    transformed: Any,
    folder: Path,
    train: TrainConfig,
    hyperparameters: dict[str, Any] | None = None,
    *,
    module: str | None = None,
) -> SimpleNamespace:
    """Trains a model by the real run_fn; returns its `fn_args` and what was handed to `export`."""
    fn_args = SimpleNamespace(
        custom_config={
            "model": name,
            "module": module or MODELS[name],
            "audio": vars(transformed.config),
            "train": vars(train),
            "checkpoint_dir": str(folder / "checkpoints"),
        },
        transform_output=transformed.output.transform_savedmodel_dir.rsplit("/", 1)[0],
        train_files=[transformed.pattern],
        eval_files=[transformed.pattern],
        model_run_dir=str(folder / "run"),
        serving_model_dir=str(folder / "model"),
        hyperparameters=hyperparameters,
    )
    exported: dict[str, Any] = {}
    export = saved_model.export
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            saved_model,
            "export",
            lambda directory, **kwargs: exported.update(kwargs) or export(directory, **kwargs),
        )
        run_fn.run_fn(fn_args)
    return SimpleNamespace(name=name, folder=folder, fn_args=fn_args, **exported)
