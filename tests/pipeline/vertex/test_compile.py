"""The compiled pipeline: what Vertex AI is given, task by task."""

from __future__ import annotations

import functools
import json
from typing import Any

import kfp
import pytest
from google.cloud.aiplatform_v1.types import CustomJob
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.code_digest import code_digest
from pipeline.registry import MODELS, NETWORKS
from tests.pipeline.vertex import golden_specs


@functools.cache
def job(name: str) -> Any:
    """Return the compiled job of an example; compiled once."""
    return golden_specs.compiled(name)


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


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_an_example_compiles_to_its_golden_spec(name: str) -> None:
    golden = golden_specs.path(name).read_text(encoding="utf-8")
    found = golden_specs.normalised(job(name))
    assert found == golden, f"if the change is meant: {golden_specs.COMMAND}"


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_kfp_loads_it(name: str) -> None:
    component = kfp.components.load_component_from_text(json.dumps(spec(name)))
    assert component.name == spec(name)["pipelineInfo"]["name"] == "music-genre"
    json_format.ParseDict(job(name), pipeline_spec_pb2.PipelineJob())
    deployment = json_format.ParseDict(
        spec(name)["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    assert len(deployment.executors) == len(tasks(name))


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_every_input_comes_from_an_output_that_is_there(name: str) -> None:
    components = spec(name)["components"]
    for task in tasks(name).values():
        for source in task.get("inputs", {}).get("artifacts", {}).values():
            output = source["taskOutputArtifact"]
            producer = tasks(name)[output["producerTask"]]["componentRef"]["name"]
            produced = components[producer]["outputDefinitions"]["artifacts"]
            assert output["outputArtifactKey"] in produced


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_no_path_of_the_compiling_machine_is_in_it(name: str) -> None:
    assert str(golden_specs.ROOT) not in json.dumps(job(name))


def test_digests_of_the_code_are_in_it() -> None:
    custom = json.loads(parameter(tasks("small")["Trainer-svm"], "custom_config"))
    assert custom["code_digest"] == code_digest("models.trainer", MODELS["svm"])
    assert parameter(tasks("small")["Transform"], "code_digest") == code_digest(
        "components.strict_transform", "models.preprocessing"
    )


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_trainings_are_custom_jobs_that_the_client_takes(name: str) -> None:
    trained = set()
    for task_name, task in tasks(name).items():
        if not task_name.startswith(("Trainer-", "Tuner-")):
            continue
        custom = json.loads(parameter(task, "custom_config"))
        assert custom["ai_platform_enable_vertex"] is True
        args = custom["ai_platform_training_args"]
        assert args.pop("project") == "my-project"
        custom_job = CustomJob(args)  # refuses what is no field of it
        assert custom_job.display_name == task_name
        (pool,) = custom_job.job_spec.worker_pool_specs
        accelerated = pool.machine_spec.accelerator_count > 0
        assert accelerated == (custom["model"] in NETWORKS and name != "small")
        image = containers(name)[task_name]["image"]
        if accelerated:
            image = image.replace(":latest", {"medium": ":gpu", "full": ":tpu"}[name])
        assert pool.container_spec.image_uri == image
        trained.add(custom["model"])
    assert trained == set(json.loads(shown_configuration(name))["run"]["models"])


def shown_configuration(name: str) -> str:
    return parameter(tasks(name)["GenreReport"], "configuration")


def test_a_tuner_is_a_job_too() -> None:
    args = containers("medium")["Tuner-fcn5"]["args"]
    assert args[args.index("--executor_class_path") + 1] == "components.custom_jobs.TunerExecutor"
    source = tasks("medium")["Trainer-fcn5"]["inputs"]["artifacts"]["hyperparameters"]
    assert source["taskOutputArtifact"]["producerTask"] == "Tuner-fcn5"


def test_identity_encryption_network_and_labels_reach_jobs_and_workers() -> None:
    custom = json.loads(parameter(tasks("full")["Trainer-fcn5"], "custom_config"))
    found = CustomJob(
        {k: v for k, v in custom["ai_platform_training_args"].items() if k != "project"}
    )
    account = "music-genre@my-project.iam.gserviceaccount.com"
    key = "projects/my-project/locations/europe-west4/keyRings/music/cryptoKeys/genre"
    assert found.job_spec.service_account == account
    assert found.job_spec.network == "projects/123456789012/global/networks/music"
    assert found.encryption_spec.kms_key_name == key
    assert dict(found.labels) == {"team": "music", "cost-center": "a42"}
    args = containers("full")["Transform"]["args"]
    assert f"--service_account_email={account}" in args
    assert f"--dataflow_kms_key={key}" in args
    assert [arg for arg in args if arg.startswith("--labels")] == [
        "--labels=team=music", "--labels=cost-center=a42",
    ]  # fmt: skip


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


def test_a_container_asks_for_what_it_needs() -> None:
    sizes = {name: found["resources"] for name, found in containers("small").items()}
    assert sizes["CandidateRanker"] == {"cpuLimit": 8.0, "memoryLimit": 32.0}
    assert sizes["FmaExampleGen"] == sizes["CandidateRanker"]
    assert sizes["Trainer-svm"] == {"cpuLimit": 1.0, "memoryLimit": 4.0}


def test_flags_of_beam_are_given_to_what_uses_beam() -> None:
    given = {
        name
        for name, container in containers("full").items()
        if [arg for arg in container["args"] if arg.startswith(("--runner", "--labels"))]
    }
    assert given == {"FmaExampleGen", "StatisticsGen", "Transform", "CandidateRanker", "Evaluator"}
    for container in containers("full").values():
        assert container["args"][4] == "--json_serialized_inputs_spec_args"
        assert json.loads(container["args"][5])


def test_what_can_be_removed_after_a_run_is_looked_at_in_every_run() -> None:
    uncached = {
        name
        for name in containers("full")
        if not tasks("full")[name].get("cachingOptions", {}).get("enableCache")
    }
    assert uncached == {"AtomicPusher", "EndpointDeployer"}


@pytest.mark.parametrize("name", golden_specs.NAMES)
def test_names_of_tasks_are_letters_digits_and_hyphens(name: str) -> None:
    assert all(task.replace("-", "").isalnum() for task in tasks(name))
