"""What is said of the best model is said of the one that was fitted again, too."""

from __future__ import annotations

from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.model_properties import MODEL_NAME, SERVABLE, WITHHELD, is_servable
from components.refit import KeepsModelProperties


class Trainer:
    """Stands for TFX's Trainer."""

    def Do(self, *_: Any) -> None:  # noqa: N802 - TFX's name
        """Trains nothing."""


class Executor(KeepsModelProperties, Trainer):
    """The shell alone."""


@pytest.mark.parametrize("servable", [True, False])
@pytest.mark.parametrize("withheld", [True, False])
def test_properties_are_handed_on(servable: bool, withheld: bool) -> None:
    before, after = standard_artifacts.Model(), standard_artifacts.Model()
    before.set_string_custom_property(MODEL_NAME, "svm")
    before.set_int_custom_property(SERVABLE, int(servable))
    if withheld:
        before.set_string_custom_property(WITHHELD, "it needs more than audio")
    Executor().Do({"base_model": [before]}, {"model": [after]}, {})
    assert after.get_string_custom_property(MODEL_NAME) == "svm"
    assert is_servable(after) is servable
    assert after.has_custom_property(WITHHELD) is withheld
