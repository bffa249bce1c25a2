"""Custom properties of the best model's artifact, from the ranker to whoever comes after it."""

from __future__ import annotations

from typing import Any

MODEL_NAME = "model_name"
SERVABLE = "servable"
# Why a model is not pushed even if it is blessed; not there where nothing speaks against it.
WITHHELD = "withheld"


def is_servable(model: Any) -> bool:
    """Returns whether a Model artifact says, or leaves open, that audio alone can be scored."""
    # On Vertex AI the property is a float, and `get_custom_property` has no 0.0.
    return not model.has_custom_property(SERVABLE) or model.get_int_custom_property(SERVABLE) != 0
