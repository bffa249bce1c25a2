"""Models and endpoints of Vertex AI on 127.0.0.1: the real protocol, a little of the service."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as api
from google.cloud.aiplatform_v1.services.endpoint_service.transports import (
    EndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.model_service.transports import ModelServiceGrpcTransport
from google.longrunning import operations_pb2
from google.rpc import status_pb2

from components.endpoint_deployer.deployment import Clients
from tests.grpc_stand_in import PACKAGE, service, serving

_SERVICES = (
    (f"{PACKAGE}.ModelService", api, ("get_model", "upload_model")),
    (
        f"{PACKAGE}.EndpointService",
        api,
        (
            "list_endpoints", "get_endpoint", "create_endpoint", "update_endpoint", "deploy_model",
            "undeploy_model",
        ),
    ),
    ("google.longrunning.Operations", operations_pb2, ("get_operation",)),
)  # fmt: skip


class VertexServer:
    """What the service knows, what it was asked, and what is to go wrong.

    Attributes:
        requests: (method, request) of all that changes something, in order.
        models: versions by the model's name, oldest first.
        endpoints: by name.
        faults: by method, what the next call of it is answered with; for a method that starts a
            long-running operation a `google.rpc.Status` lets the operation fail instead.
        is_slow: whether operations are done only when they are asked for.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.models: dict[str, list[api.Model]] = {}
        self.endpoints: dict[str, api.Endpoint] = {}
        self.faults: dict[str, list[Exception | status_pb2.Status]] = {}
        self.is_slow = False
        self._operations: dict[str, operations_pb2.Operation] = {}
        self._ids = iter(range(1, 1_000_000))
        self._lock = threading.Lock()

    # Models

    def get_model(self, request: api.GetModelRequest) -> api.Model:
        name, _, version = request.name.partition("@")
        versions = self.models.get(name, [])
        for model in reversed(versions):
            if not version or version == model.version_id or version in model.version_aliases:
                return model
        raise exceptions.NotFound(f"no model {request.name}")

    def upload_model(self, request: api.UploadModelRequest) -> operations_pb2.Operation:
        if request.parent_model:
            name = request.parent_model
            if name not in self.models:
                raise exceptions.NotFound(f"no model {name}")
        else:
            name = f"{request.parent}/models/{request.model_id}"
            if name in self.models:
                raise exceptions.AlreadyExists(f"there is a model {name}")
        versions = self.models.setdefault(name, [])
        model = api.Model(request.model)
        model.name, model.version_id = name, str(len(versions) + 1)
        response = api.UploadModelResponse(model=name, model_version_id=model.version_id)
        return self._operation("upload_model", response, lambda: versions.append(model))

    # Endpoints

    def list_endpoints(self, request: api.ListEndpointsRequest) -> api.ListEndpointsResponse:
        wanted = request.filter.removeprefix('display_name="').removesuffix('"')
        found = [one for one in self.endpoints.values() if one.display_name == wanted]
        return api.ListEndpointsResponse(endpoints=found)

    def get_endpoint(self, request: api.GetEndpointRequest) -> api.Endpoint:
        return self.endpoints[request.name]

    def create_endpoint(self, request: api.CreateEndpointRequest) -> operations_pb2.Operation:
        endpoint = api.Endpoint(request.endpoint)
        endpoint.name = f"{request.parent}/endpoints/{next(self._ids)}"
        return self._operation(
            "create_endpoint", endpoint, lambda: self.endpoints.update({endpoint.name: endpoint})
        )

    def update_endpoint(self, request: api.UpdateEndpointRequest) -> api.Endpoint:
        assert list(request.update_mask.paths) == ["traffic_split"]
        endpoint = self.endpoints[request.endpoint.name]
        self._split(endpoint, dict(request.endpoint.traffic_split))
        return endpoint

    def deploy_model(self, request: api.DeployModelRequest) -> operations_pb2.Operation:
        endpoint = self.endpoints[request.endpoint]
        deployed = api.DeployedModel(request.deployed_model)
        deployed.id = str(next(self._ids))
        deployed.create_time = datetime.datetime.now(datetime.timezone.utc)
        deployed.model, _, deployed.model_version_id = deployed.model.partition("@")
        split = dict(request.traffic_split)
        if "0" in split:
            split[deployed.id] = split.pop("0")

        def finish() -> None:
            endpoint.deployed_models.append(deployed)
            self._split(endpoint, split)

        return self._operation(
            "deploy_model", api.DeployModelResponse(deployed_model=deployed), finish
        )

    def undeploy_model(self, request: api.UndeployModelRequest) -> operations_pb2.Operation:
        endpoint = self.endpoints[request.endpoint]
        if endpoint.traffic_split.get(request.deployed_model_id):
            raise exceptions.FailedPrecondition("it still gets requests")
        kept = [one for one in endpoint.deployed_models if one.id != request.deployed_model_id]
        return self._operation(
            "undeploy_model",
            api.UndeployModelResponse(),
            lambda: setattr(endpoint, "deployed_models", kept),
        )

    def _split(self, endpoint: api.Endpoint, split: dict[str, int]) -> None:
        deployed = {one.id for one in endpoint.deployed_models}
        if sum(split.values()) != 100 or not set(split) <= deployed:
            raise exceptions.InvalidArgument(f"no split of {sorted(deployed)}: {split}")
        endpoint.traffic_split = split

    # Long-running operations

    def _operation(
        self, method: str, response: Any, finish: Callable[[], Any]
    ) -> operations_pb2.Operation:
        name = f"operations/{next(self._ids)}"
        done = operations_pb2.Operation(name=name, done=True)
        fault = self._next_fault(method, status_pb2.Status)
        if fault is not None:
            done.error.CopyFrom(fault)
        else:
            done.response.Pack(type(response).pb(response))
            finish()
        self._operations[name] = done
        return operations_pb2.Operation(name=name, done=False) if self.is_slow else done

    def get_operation(
        self, request: operations_pb2.GetOperationRequest
    ) -> operations_pb2.Operation:
        return self._operations[request.name]

    # The wire

    def _next_fault(self, method: str, kind: type) -> Any:
        waiting = self.faults.get(method, [])
        return waiting.pop(0) if waiting and isinstance(waiting[0], kind) else None

    def _answer(self, method: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            with self._lock:
                try:
                    if not method.startswith(("get_", "list_")):
                        self.requests.append((method, request))
                    if fault := self._next_fault(method, Exception):
                        raise fault
                    return getattr(self, method)(request)
                except exceptions.GoogleAPICallError as error:
                    context.abort(error.grpc_status_code, error.message)

        return answer

    def handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        """Yield what a gRPC server needs to answer as the services."""
        for name, messages, methods in _SERVICES:
            answers = {method.title().replace("_", ""): self._answer(method) for method in methods}
            yield service(name, answers, messages)

    @contextmanager
    def clients(self) -> Iterator[Clients]:
        """Yields the real clients, over a port of this machine."""
        with serving(*self.handlers()) as address, grpc.insecure_channel(address) as channel:
            yield Clients(
                api.ModelServiceClient(transport=ModelServiceGrpcTransport(channel=channel)),
                api.EndpointServiceClient(transport=EndpointServiceGrpcTransport(channel=channel)),
            )
