"""The stand-in for Vertex AI Pipelines does what it stands for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vertex.harness import placeholders
from tests.vertex.harness.bucket import Buckets
from tests.vertex.harness.metadata_store import MetadataStore

GIVEN = {
    "inputs": {
        "parameterValues": {"epochs": 3, "name": "knn"},
        "artifacts": {
            "model": {
                "artifacts": [
                    {"name": "artifacts/7", "uri": "gs://b/m", "metadata": {"id": "artifacts/5"}}
                ]
            },
            "baseline": {"artifacts": []},
        },
    },
    "outputs": {"artifacts": {}, "outputFile": "gs://b/executor_output.json"},
}
BLESSING = {"instanceSchema": "title: tfx.ModelBlessing\ntype: object\n"}
BLESSED = 'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.blessed.number_value=1'


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("--epochs={{$.inputs.parameters['epochs']}}", "--epochs=3"),
        ("{{$.inputs.parameters['name']}}", "knn"),
        ("{{$.inputs.artifacts['model'].uri}}/x", "gs://b/m/x"),
        ("name=\"{{$.inputs.artifacts['model'].metadata['id']}}\"", 'name="artifacts/5"'),
        ("nothing", "nothing"),
    ],
)
def test_a_placeholder_is_replaced_by_a_value(text: str, resolved: str) -> None:
    assert placeholders.resolve(text, GIVEN) == resolved


def test_the_executor_input_is_json_even_within_json() -> None:
    assert json.loads(placeholders.resolve("{{$}}", GIVEN)) == GIVEN
    within = json.loads(placeholders.resolve('{"input": "{{$.json_escape[1]}}"}', GIVEN))
    assert json.loads(within["input"]) == GIVEN


def test_a_placeholder_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pipeline_job_nam"):
        placeholders.resolve("{{$.pipeline_job_nam}}", GIVEN)


def test_a_missing_artifact_is_told_from_a_missing_key() -> None:
    with pytest.raises(placeholders.NothingThereError):
        placeholders.resolve("{{$.inputs.artifacts['baseline'].uri}}", GIVEN)


def test_a_query_finds_the_newest_that_is_live_and_matches() -> None:
    store = MetadataStore()
    assert store.latest(BLESSED) is None
    artifacts = [
        store.add(BLESSING, f"gs://b/{number}", {"blessed": float(blessed)})
        for number, blessed in enumerate([True, True, False, True])
    ]
    assert store.latest(BLESSED) is None
    for artifact in artifacts[:3]:
        artifact.state = "LIVE"
    assert store.latest(BLESSED) is artifacts[1]
    assert store.latest(f'name="{artifacts[0].name}"') is artifacts[0]
    assert store.latest('schema_title="tfx.Model" AND state=LIVE') is None


def test_a_filter_beyond_those_of_tfx_is_refused() -> None:
    store = MetadataStore()
    store.add(BLESSING, "gs://b/1", {})
    with pytest.raises(ValueError, match="create_time"):
        store.latest('create_time="2026"')


def test_gs_paths_go_to_folders_and_back(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path)
    text = json.dumps({"config": json.dumps({"dir": "gs://music/fma", "n": 1})})
    assert json.loads(json.loads(buckets.local(text))["config"])["dir"] == f"{tmp_path}/music/fma"
    assert buckets.cloud(buckets.local(text)) == text
