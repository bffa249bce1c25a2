"""The component compiles for Vertex AI, which is to show its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tfx import v1 as tfx
from tfx.utils import import_utils

from components.candidate_ranker.component import Leaderboard
from components.genre_report.component import GenreReport

INPUTS = {
    "examples": tfx.types.standard_artifacts.Examples,
    "transformed_examples": tfx.types.standard_artifacts.Examples,
    "leaderboard": Leaderboard,
    "ranking": tfx.types.standard_artifacts.ModelEvaluation,
    "evaluation": tfx.types.standard_artifacts.ModelEvaluation,
    "blessing": tfx.types.standard_artifacts.ModelBlessing,
    "model": tfx.types.standard_artifacts.Model,
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the compiled output definitions of the component."""
    folder = tmp_path_factory.mktemp("vertex")
    importers = {
        key: tfx.dsl.Importer(source_uri=f"gs://bucket/{key}", artifact_type=kind).with_id(key)
        for key, kind in INPUTS.items()
    }
    report = GenreReport(
        **{key: importer.outputs["result"] for key, importer in importers.items()},
        configuration="{}",
        pipeline_name="music-genre",
    )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="music-genre",
        pipeline_root="gs://bucket/root",
        components=[*importers.values(), report],
    )
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(default_image="image"),
        output_dir=str(folder),
        output_filename="pipeline.json",
    )
    runner.run(pipeline, write_out=True)
    compiled = json.loads(Path(folder, "pipeline.json").read_text())
    components = compiled["pipelineSpec"]["components"]
    return components["GenreReport"]["outputDefinitions"]["artifacts"]


def title(definition: dict[str, Any]) -> str:
    """Return what Vertex is told of an artifact's type."""
    return yaml.safe_load(definition["artifactType"]["instanceSchema"])["title"]


def test_vertex_is_told_that_the_page_is_one(outputs: dict[str, Any]) -> None:
    assert {key: title(found) for key, found in outputs.items()} == {
        "report": "system.Artifact",
        "page": "system.HTML",
    }


def test_the_container_finds_the_types_by_what_vertex_is_told(
    outputs: dict[str, Any], tmp_path: Path
) -> None:
    # TFX's container entry point imports a type of ours by its title.
    page_type = import_utils.import_class_by_path(title(outputs["page"]))
    page = page_type()
    page.uri = str(tmp_path / "page")
    page.value = "<p>Grüße</p>"
    assert (tmp_path / "page").read_bytes() == "<p>Grüße</p>".encode()
    again = page_type()
    again.uri = page.uri
    assert again.read() == "<p>Grüße</p>"
    assert import_utils.import_class_by_path(title(outputs["report"]))().type_name == (
        "system.Artifact"
    )
