"""Transform that stops the run if a genre is missing from the vocabulary."""

from __future__ import annotations

import json
from typing import Any

import tensorflow_transform as tft
from tfx import types
from tfx.components.transform import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs

from common import files
from common.errors import InputError
from dataset.bad_files import SUMMARY_NAME
from features import example_keys


class Executor(executor.Executor):
    """TFX's executor, then a look at the vocabulary of genres."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Transforms the Examples.

        Raises:
            InputError: naming the genres of `train` that the vocabulary does not have.
        """
        super().Do(input_dict, output_dict, exec_properties)
        examples, graph = (
            artifact_utils.get_single_instance(artifacts)
            for artifacts in (
                input_dict[standard_component_specs.EXAMPLES_KEY],
                output_dict[standard_component_specs.TRANSFORM_GRAPH_KEY],
            )
        )
        check_vocabulary(examples.uri, graph.uri)


def check_vocabulary(examples_uri: str, transform_graph_uri: str) -> None:
    """Makes sure that every genre of `train` is in the vocabulary.

    TFT writes the vocabulary as a text file with one entry a line, and leaves out a genre with a
    line break.

    Raises:
        InputError: naming the genres that are missing.
    """
    summary = json.loads(files.read_text(files.join(examples_uri, SUMMARY_NAME)))
    genres = summary["clips"]["train"]
    output = tft.TFTransformOutput(transform_graph_uri)
    entries = output.vocabulary_by_name(example_keys.GENRE_VOCABULARY)
    missing = sorted(genres.keys() - {entry.decode() for entry in entries})
    if missing:
        raise InputError(
            f"expected an entry in the vocabulary for each of the {len(genres)} genres of train, "
            f"got none for {', '.join(map(repr, missing))}; rename them in the archive"
        )


class StrictTransform(component.Transform):
    """Transform that fails the run instead of leaving a genre out of every model."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
