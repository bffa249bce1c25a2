"""Trainer that fits the best model once more, on `train` and `eval`, before it is judged."""

from __future__ import annotations

from typing import Any

from tfx.components.trainer import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs

from components.model_properties import MODEL_NAME, SERVABLE, WITHHELD, is_servable


class KeepsModelProperties:
    """Mixin for an executor of TFX's Trainer: its model has the properties of `base_model`."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains, and copies the properties."""
        super().Do(input_dict, output_dict, exec_properties)  # type: ignore[misc]
        before = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.BASE_MODEL_KEY]
        )
        after = artifact_utils.get_single_instance(output_dict[standard_component_specs.MODEL_KEY])
        after.set_string_custom_property(MODEL_NAME, before.get_string_custom_property(MODEL_NAME))
        after.set_int_custom_property(SERVABLE, int(is_servable(before)))
        if before.has_custom_property(WITHHELD):
            withheld = before.get_string_custom_property(WITHHELD)
            after.set_string_custom_property(WITHHELD, withheld)


class Executor(KeepsModelProperties, executor.GenericExecutor):
    """TFX's executor, whose model keeps its properties."""


class Refit(component.Trainer):
    """Trainer on this machine, see `models.refit_fn`."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
