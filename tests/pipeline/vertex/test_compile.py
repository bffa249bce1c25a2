"""The compiled pipeline: what Vertex AI is given, task by task.

To rewrite the golden outline:
WRITE_GOLDEN=1 python -m pytest tests/pipeline/vertex/test_compile.py -k golden
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import kfp
import pytest
import yaml
from google.cloud.aiplatform_v1.types import CustomJob
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

import vertex_runner
from common.config import from_json
from components.endpoint_deployer.target import Target
from pipeline.vertex import compile as vertex_compile
from pipeline.vertex import jobs

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parent / "golden" / "medium.yaml"
NAMES = ("small", "medium", "full")


@functools.cache
def job(name: str, *flags: str) -> Any:
    """Return the compiled job of an example; compiled once."""
    example = f"--config={ROOT}/examples/vertex-{name}.yaml"
    parsed = vertex_runner.parse([example, "--compile-only", "--output=unused", *flags])
    return vertex_compile.compile_pipeline(parsed.pipeline, parsed.vertex)


def spec(name: str) -> dict[str, Any]:
    return job(name)["pipelineSpec"]


def tasks(name: str) -> dict[str, Any]:
    return spec(name)["root"]["dag"]["tasks"]


def containers(name: str) -> dict[str, Any]:
    executors = spec(name)["deploymentSpec"]["executors"]
    return {
        key.removesuffix("_executor"): executor["container"]
        for key, executor in executors.items()
        if "container" in executor
    }


def parameter(task: dict[str, Any], name: str) -> Any:
    return task["inputs"]["parameters"][name]["runtimeValue"]["constant"]


def training(name: str, task: str) -> dict[str, Any]:
    """Return the custom job of a task, without the project, which TFX takes out, too."""
    custom = json.loads(parameter(tasks(name)[task], "custom_config"))
    assert custom["ai_platform_enable_vertex"] is True
    asked = custom["ai_platform_training_args"]
    return {key: value for key, value in asked.items() if key != "project"}


def outline(compiled: Any) -> dict[str, Any]:
    """Return what a reader wants to know of every task: what it runs, on what, after what."""
    deployment = compiled["pipelineSpec"]["deploymentSpec"]["executors"]
    found = {}
    for name, task in sorted(compiled["pipelineSpec"]["root"]["dag"]["tasks"].items()):
        sources = task.get("inputs", {}).get("artifacts", {}).items()
        inputs = {
            key: "{producerTask}.{outputArtifactKey}".format(**source["taskOutputArtifact"])
            for key, source in sorted(sources)
        }
        producers = {source.partition(".")[0] for source in inputs.values()}
        shown = {
            "inputs": inputs,
            "after": sorted(set(task.get("dependentTasks", ())) - producers),
            "cached": task.get("cachingOptions", {}).get("enableCache", False),
        }
        if container := deployment[f"{name}_executor"].get("container"):
            args = container["args"]
            shown |= {
                "executor": args[args.index("--executor_class_path") + 1],
                "resources": container["resources"],
                "beam": [arg for arg in args if arg.startswith(("--runner", "--max_num_workers"))],
            }
        if name.startswith(("Trainer", "Tuner")):
            custom = json.loads(parameter(task, "custom_config"))
            (pool,) = custom["ai_platform_training_args"]["job_spec"]["worker_pool_specs"]
            shown |= {"machine": pool["machine_spec"], "image": pool["container_spec"]["image_uri"]}
        found[name] = {key: value for key, value in shown.items() if value}
    return found


def test_an_example_compiles_to_its_golden_outline() -> None:
    compiled = job("medium", "--models=svm,fcn5", "--tune=fcn5")
    no_aliases = json.loads(json.dumps(outline(compiled)))
    text = yaml.safe_dump(no_aliases, default_flow_style=None, width=100)
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_what_is_written_is_the_same_as_yaml_which_google_s_client_reads(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    vertex_compile.write({**job("full"), "displayName": "Rock \N{GUITAR} n’ Röll"}, str(path))
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text) == json.loads(text)


@pytest.mark.parametrize("name", NAMES)
def test_kfp_loads_it(name: str) -> None:
    component = kfp.components.load_component_from_text(json.dumps(spec(name)))
    assert component.name == spec(name)["pipelineInfo"]["name"] == "music-genre"
    assert str(ROOT) not in json.dumps(job(name))
    json_format.ParseDict(job(name), pipeline_spec_pb2.PipelineJob())
    deployment = json_format.ParseDict(
        spec(name)["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    assert len(deployment.executors) == len(tasks(name))


def test_a_tpu_of_the_machine_type_has_its_topology() -> None:
    flags = vertex_runner.parse([
        f"--config={ROOT}/examples/vertex-medium.yaml", "--compile-only", "--output=unused",
        "--network-machine-type=ct5lp-hightpu-4t", "--tpu-topology=2x2", "--accelerator-type=",
    ])  # fmt: skip
    custom = jobs.custom_config(flags.vertex, "Trainer-fcn5", ["fcn5"])
    (pool,) = custom["ai_platform_training_args"]["job_spec"]["worker_pool_specs"]
    assert pool["machine_spec"] == {"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "2x2"}


def test_machine_identity_encryption_network_and_labels_reach_jobs_and_workers() -> None:
    found = CustomJob(training("full", "Trainer-fcn5"))  # refuses what is no field of it
    account = "music-genre@my-project.iam.gserviceaccount.com"
    key = "projects/my-project/locations/europe-west4/keyRings/music/cryptoKeys/genre"
    (pool,) = found.job_spec.worker_pool_specs
    assert pool.machine_spec.accelerator_count == 8
    assert pool.container_spec.image_uri.endswith(":tpu")
    (pool,) = CustomJob(training("full", "Trainer-svm")).job_spec.worker_pool_specs
    assert pool.machine_spec.accelerator_count == 0
    assert pool.container_spec.image_uri.endswith(":latest")
    assert found.job_spec.service_account == account
    assert found.job_spec.network == "projects/123456789012/global/networks/music"
    assert found.encryption_spec.kms_key_name == key
    assert dict(found.labels) == {"team": "music", "cost-center": "a42"}
    args = containers("full")["Transform"]["args"]
    assert f"--service_account_email={account}" in args
    assert f"--dataflow_kms_key={key}" in args
    assert {"--labels=team=music", "--labels=cost-center=a42"} < set(args)


def test_the_baseline_is_the_last_model_that_this_pipeline_blessed() -> None:
    executors = spec("small")["deploymentSpec"]["executors"]
    blessing, model = (
        executors[f"LatestBlessedModel-{part}-resolver_executor"]["resolver"]
        for part in ("model-blessing", "model")
    )
    # Without `in_context` the query is for artifacts of this pipeline: assumed, see docs/vertex.md.
    (query,) = blessing["outputArtifactQueries"].values()
    assert "blessed" in query["filter"]
    assert "in_context" not in query["filter"]
    assert list(model["outputArtifactQueries"]) == ["model"]
    source = tasks("small")["Evaluator"]["inputs"]["artifacts"]["baseline_model"]
    assert source["taskOutputArtifact"]["producerTask"] == "LatestBlessedModel-model-resolver"


def test_only_an_endpoint_that_is_asked_for_is_deployed_to() -> None:
    assert "EndpointDeployer" not in tasks("small")
    task = tasks("full")["EndpointDeployer"]
    (source,) = task["inputs"]["artifacts"].values()
    assert source["taskOutputArtifact"]["producerTask"] == "AtomicPusher"
    assert not task.get("cachingOptions", {}).get("enableCache")
    target = from_json(Target, parameter(task, "target"))
    assert (target.region, target.endpoint.traffic_percent) == ("europe-west4", 10)
    assert target.labels == (("team", "music"), ("cost-center", "a42"))
