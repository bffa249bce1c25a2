"""ImportSchemaGen of a file that is part of this project, wherever the project is installed."""

from __future__ import annotations

import importlib.resources
from typing import Any

from tfx import types
from tfx.components.schema_gen.import_schema_gen import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs


class Executor(executor.Executor):
    """TFX's executor, given the path that the file has where it runs."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the schema."""
        package, name = exec_properties[standard_component_specs.SCHEMA_FILE_KEY].split(":")
        with importlib.resources.as_file(importlib.resources.files(package) / name) as path:
            here = {standard_component_specs.SCHEMA_FILE_KEY: str(path)}
            super().Do(input_dict, output_dict, {**exec_properties, **here})


class PackagedSchemaGen(component.ImportSchemaGen):
    """ImportSchemaGen whose `schema_file` is `package:file`.

    A path of the machine that compiles a pipeline is not there in the container that runs it.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
