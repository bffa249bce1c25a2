"""Deploying with the real client, against the protocol of Vertex AI on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as api
from google.rpc import status_pb2
from tfx.types import standard_artifacts

import system
from common.config import to_json
from common.errors import InputError
from components.endpoint_deployer import deployment, executor
from components.endpoint_deployer.target import EndpointConfig, Machine, Target
from tests.components.endpoint_deployer.vertex_server import VertexServer

PARENT = "projects/my-project/locations/europe-west4"
MODEL = f"{PARENT}/models/music-genre"
IMAGE = "us-central1-docker.pkg.dev/my-project/music-genre/pipeline:latest"
KEY = "projects/my-project/locations/europe-west4/keyRings/r/cryptoKeys/k"

Run = Callable[..., dict[str, Any]]


def target(**endpoint: Any) -> Target:
    return Target(
        "my-project",
        "europe-west4",
        EndpointConfig(
            **{
                "machine": Machine("n1-standard-4", "NVIDIA_TESLA_T4", 1),
                "min_replicas": 1,
                "max_replicas": 3,
                **endpoint,
            }
        ),
        service_account="serving@my-project.iam.gserviceaccount.com",
        encryption_key=KEY,
        labels=(("team", "music"),),
    )


@pytest.fixture
def server() -> VertexServer:
    return VertexServer()


@pytest.fixture
def run(server: VertexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Return a run of the executor for a push; it returns the record that was written."""
    with server.clients() as clients:
        regions = []
        monkeypatch.setattr(deployment, "connect", lambda region: regions.append(region) or clients)

        def one(target: Target, version: str = "1700000000", pushed: float = 1) -> dict[str, Any]:
            artifact, record = standard_artifacts.PushedModel(), system.Artifact()
            record.uri = str(tmp_path / version)
            artifact.set_float_custom_property("pushed", pushed)  # as Vertex AI hands it on
            if pushed:
                artifact.set_string_custom_property(
                    "pushed_destination", f"gs://bucket/serving_model/{version}"
                )
                artifact.set_string_custom_property("pushed_version", version)
            executor.Executor().Do(
                {executor.PUSHED_MODEL: [artifact]},
                {executor.DEPLOYMENT: [record]},
                {executor.TARGET: to_json(target)},
            )
            outcome: dict[str, Any] = json.loads(
                (tmp_path / version / executor.DEPLOYMENT_NAME).read_text()
            )
            assert record.get_int_custom_property("deployed") == outcome["deployed"]
            assert set(regions) <= {"europe-west4"}
            return outcome

        yield one


def methods(server: VertexServer) -> list[str]:
    return [method for method, _ in server.requests]


def test_the_first_model_is_uploaded_and_gets_all_requests(server: VertexServer, run: Run) -> None:
    server.is_slow = True
    outcome = run(target(traffic_percent=10))
    upload, create, deploy = (request for _, request in server.requests)
    assert methods(server) == ["upload_model", "create_endpoint", "deploy_model"]
    encryption = api.EncryptionSpec(kms_key_name=KEY)
    assert upload == api.UploadModelRequest(
        parent=PARENT,
        model_id="music-genre",
        model=api.Model(
            display_name="music-genre",
            artifact_uri="gs://bucket/serving_model/1700000000",
            container_spec=api.ModelContainerSpec(
                image_uri="europe-docker.pkg.dev/vertex-ai/prediction/tf2-gpu.2-15:latest"
            ),
            version_aliases=["push-1700000000"],
            labels={"team": "music"},
            encryption_spec=encryption,
        ),
    )
    assert create == api.CreateEndpointRequest(
        parent=PARENT,
        endpoint=api.Endpoint(
            display_name="music-genre",
            labels={"team": "music"},
            encryption_spec=encryption,
            dedicated_endpoint_enabled=True,
        ),
    )
    (endpoint,) = server.endpoints
    assert deploy == api.DeployModelRequest(
        endpoint=endpoint,
        deployed_model=api.DeployedModel(
            model=f"{MODEL}@1",
            display_name="music-genre",
            service_account="serving@my-project.iam.gserviceaccount.com",
            dedicated_resources=api.DedicatedResources(
                machine_spec=api.MachineSpec(
                    machine_type="n1-standard-4",
                    accelerator_type=api.AcceleratorType.NVIDIA_TESLA_T4,
                    accelerator_count=1,
                ),
                min_replica_count=1,
                max_replica_count=3,
            ),
        ),
        traffic_split={"0": 100},
    )
    (deployed,) = server.endpoints[endpoint].deployed_models
    assert outcome == {
        "deployed": True,
        "endpoint": endpoint,
        "model": f"{MODEL}@1",
        "deployed_model_id": deployed.id,
        "traffic_split": {deployed.id: 100},
        "undeployed": [],
    }


def test_a_canary_comes_beside_the_old_model_and_then_takes_its_place(
    server: VertexServer, run: Run
) -> None:
    old = run(target(), "1700000000")["deployed_model_id"]
    canary = run(target(traffic_percent=10), "1700000001")
    new = canary["deployed_model_id"]
    assert canary["model"] == f"{MODEL}@2"
    assert canary["traffic_split"] == {new: 10, old: 90}
    assert canary["undeployed"] == []
    upload = next(request for method, request in server.requests[3:] if method == "upload_model")
    assert (upload.parent_model, upload.model_id) == (MODEL, "")
    assert methods(server)[3:] == ["upload_model", "deploy_model"]
    whole = run(target(traffic_percent=100), "1700000001")
    assert methods(server)[5:] == ["update_endpoint", "undeploy_model"]
    assert whole == {
        **canary, "traffic_split": {new: 100}, "undeployed": [old],
    }  # fmt: skip
    (endpoint,) = server.endpoints.values()
    assert [model.id for model in endpoint.deployed_models] == [new]


def test_a_canary_takes_the_place_of_an_earlier_one(server: VertexServer, run: Run) -> None:
    old = run(target(), "1700000000")["deployed_model_id"]
    without_requests = run(target(traffic_percent=0), "1700000001")
    assert without_requests["traffic_split"] == {old: 100}
    dark = without_requests["deployed_model_id"]
    first = run(target(traffic_percent=10), "1700000002")
    assert first["undeployed"] == [dark]
    second = run(target(traffic_percent=20), "1700000003")
    assert second["undeployed"] == [first["deployed_model_id"]]
    assert second["traffic_split"] == {old: 80, second["deployed_model_id"]: 20}
    (endpoint,) = server.endpoints.values()
    assert [model.id for model in endpoint.deployed_models] == [old, second["deployed_model_id"]]
    last = run(target(), "1700000004")  # in place of both at once
    assert set(last["undeployed"]) == {old, second["deployed_model_id"]}
    assert last["traffic_split"] == {last["deployed_model_id"]: 100}


def test_nothing_is_done_twice(server: VertexServer, run: Run) -> None:
    first = run(target())
    done = len(server.requests)
    assert run(target()) == first
    assert len(server.requests) == done


@pytest.mark.parametrize("method", ["create_endpoint", "deploy_model", "undeploy_model"])
def test_a_task_that_failed_half_way_carries_on(
    server: VertexServer, run: Run, method: str
) -> None:
    if method != "create_endpoint":
        run(target(), "1700000000")
    server.faults[method] = [status_pb2.Status(code=13, message="an internal error")]
    with pytest.raises(exceptions.GoogleAPICallError, match="an internal error"):
        run(target(), "1700000001")
    assert run(target(), "1700000001")["deployed"]
    uploads = [request for name, request in server.requests if name == "upload_model"]
    assert [upload.model.version_aliases[0] for upload in uploads].count("push-1700000001") == 1
    (endpoint,) = server.endpoints.values()
    (deployed,) = endpoint.deployed_models
    assert dict(endpoint.traffic_split) == {deployed.id: 100}


def test_a_read_is_retried_where_the_service_is_away_for_a_moment(
    server: VertexServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "_READ", deployment._READ.with_delay(0.01, 0.02))
    server.faults["get_model"] = [exceptions.ServiceUnavailable("later")]
    server.faults["list_endpoints"] = [exceptions.ServiceUnavailable("later")] * 2
    assert run(target())["deployed"]


def test_without_a_push_nothing_is_asked(server: VertexServer, run: Run) -> None:
    assert run(target(), pushed=0) == {"deployed": False, "reason": "no model was pushed"}
    assert not server.requests


def test_two_endpoints_of_one_name_are_not_chosen_from(server: VertexServer, run: Run) -> None:
    for number in (7, 8):
        name = f"{PARENT}/endpoints/{number}"
        server.endpoints[name] = api.Endpoint(name=name, display_name="music-genre")
    with pytest.raises(InputError, match=r"2 endpoints are called music-genre .*/7, .*/8$"):
        run(target())


@pytest.mark.parametrize(
    ("region", "accelerator", "registry", "device"),
    [
        ("us-central1", "", "us", "cpu"),
        ("asia-east1", "", "asia", "cpu"),
        ("southamerica-east1", "NVIDIA_TESLA_T4", "us", "gpu"),
    ],
)
def test_the_serving_image_is_near_and_fits_the_machine(
    region: str, accelerator: str, registry: str, device: str
) -> None:
    endpoint = EndpointConfig(machine=Machine("n1-standard-2", accelerator, int(bool(accelerator))))
    image = f"{registry}-docker.pkg.dev/vertex-ai/prediction/tf2-{device}.2-15:latest"
    assert Target("p", region, endpoint).serving_image == image
