"""gRPC services of Google Cloud on 127.0.0.1."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc
from google.cloud import aiplatform_v1

PACKAGE = "google.cloud.aiplatform.v1"
Method = Callable[[Any, grpc.ServicerContext], Any]


def service(
    name: str, methods: Mapping[str, Method], messages: Any = aiplatform_v1
) -> grpc.GenericRpcHandler:
    """Return what a server needs to answer as a service.

    Args:
        name: of the service, with its package.
        methods: what answers, by name.
        messages: module with the classes of the requests.
    """
    handlers = {}
    for method, answer in methods.items():
        request = getattr(messages, f"{method}Request")
        handlers[method] = grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=getattr(request, "deserialize", None) or request.FromString,
            response_serializer=_serialize,
        )
    return grpc.method_handlers_generic_handler(name, handlers)


def _serialize(message: Any) -> bytes:
    """Return the bytes of a message of protobuf or proto-plus."""
    message = getattr(message, "_pb", message)
    return bytes(message.SerializeToString())


@contextlib.contextmanager
def serving(*handlers: grpc.GenericRpcHandler) -> Iterator[str]:
    """Serve within the context; yields the address."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers(handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
