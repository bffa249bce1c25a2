"""Custom properties of the best model's artifact, from the ranker to whoever comes after it."""

from __future__ import annotations

from typing import Any

MODEL_NAME = "model_name"
SERVABLE = "servable"
# Why a model is not pushed even if it is blessed; not there where nothing speaks against it.
WITHHELD = "withheld"


def is_servable(model: Any) -> bool:
    """Returns whether a Model artifact says, or leaves open, that audio alone can be scored."""
    return model.get_custom_property(SERVABLE) != 0
