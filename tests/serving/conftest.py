"""A small model as a run pushes it, and songs to ask it about."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.config import TrainConfig
from tests.models.conftest import Transformed, transformed  # noqa: F401 - a fixture
from tests.models.trainer import train_and_export

RATE_HZ = 44_100


def tone(hz: float, seconds: float) -> NDArray[Any]:
    """Return [frames, 2] of a tone at 44.1 kHz with a little noise, louder on the left."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).normal(scale=0.01, size=len(time))
    return (0.5 * np.sin(2 * np.pi * hz * time) + noise)[:, np.newaxis] * [1.0, 0.8]


@pytest.fixture(scope="session")
def serving_model(
    transformed: Transformed,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a folder of versions 9 and 100; the genres are low, high and noise."""
    folder = tmp_path_factory.mktemp("pushed")
    done = train_and_export("gaussian_nb", transformed, folder, TrainConfig())
    for version in ("9", "100"):
        shutil.copytree(done.fn_args.serving_model_dir, folder / "serving_model" / version)
    return folder / "serving_model"
