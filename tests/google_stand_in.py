"""Google Cloud on this machine: gRPC and HTTP servers on 127.0.0.1 that real clients talk to.

The pipeline and the schedule service are real gRPC servers with Google's messages; buckets are
folders; the registry, IAM, Service Usage and Compute Engine answer what a test puts in. Every
request is kept.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.cloud import aiplatform_v1

from pipeline.vertex.cloud import Endpoints

# A status to fail with, and what to say.
Fault = tuple[grpc.StatusCode, str]


@dataclasses.dataclass
class Google:
    """What the stand-ins are to answer, and what they were asked.

    Attributes:
        endpoints: where they are.
        buckets: folder that holds one by bucket.
        locations: of buckets; `us-central1` for one that is not named.
        answers: JSON by method and path, for what is not storage; a status instead is an error.
        permissions: what the caller may do with buckets.
        policies: IAM policy by bucket; an empty one for a bucket that is not named.
        refused: status by bucket and what follows it in the path, for requests to storage.
        faults: what the next requests to the pipeline or schedule service fail with, in turn.
        states: the job's looks, in turn; the last one stays.
        requests: every request of the gRPC services.
        asked: every method and path of HTTP.
    """

    endpoints: Endpoints
    buckets: Path
    locations: dict[str, str] = dataclasses.field(default_factory=dict)
    answers: dict[tuple[str, str], Any] = dataclasses.field(default_factory=dict)
    permissions: set[str] = dataclasses.field(default_factory=set)
    policies: dict[str, Any] = dataclasses.field(default_factory=dict)
    refused: dict[str, int] = dataclasses.field(default_factory=dict)
    faults: list[Fault] = dataclasses.field(default_factory=list)
    states: list[Callable[[Any], Any]] = dataclasses.field(default_factory=list)
    requests: list[Any] = dataclasses.field(default_factory=list)
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    jobs: dict[str, Any] = dataclasses.field(default_factory=dict)

    def reset(self) -> None:
        """Forgets all that a test has put in."""
        for field in dataclasses.fields(self):
            if field.name not in ("endpoints", "buckets"):
                getattr(self, field.name).clear()


class _Pipelines:
    """CreatePipelineJob, GetPipelineJob and CreateSchedule."""

    def __init__(self, google: Google):
        self._google = google

    def create_pipeline_job(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._take(request, context)
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        if name in self._google.jobs:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists")
        job = aiplatform_v1.PipelineJob(request.pipeline_job)
        job.name = name
        job.state = aiplatform_v1.PipelineState.PIPELINE_STATE_PENDING
        self._google.jobs[name] = job
        return job

    def get_pipeline_job(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._take(request, context)
        if request.name not in self._google.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} is not found")
        states = self._google.states
        look = states.pop(0) if len(states) > 1 else states[0]
        return look(self._google.jobs[request.name])

    def create_schedule(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._take(request, context)
        schedule = aiplatform_v1.Schedule(request.schedule)
        schedule.name = f"{request.parent}/schedules/77"
        return schedule

    def _take(self, request: Any, context: grpc.ServicerContext) -> None:
        self._google.requests.append(request)
        if self._google.faults:
            code, message = self._google.faults.pop(0)
            context.abort(code, message)


def _handlers(google: Google) -> list[grpc.GenericRpcHandler]:
    service = _Pipelines(google)

    def unary(method: Any, request: Any, answer: Any) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            method, request_deserializer=request.deserialize, response_serializer=answer.serialize
        )

    v1 = aiplatform_v1
    return [
        grpc.method_handlers_generic_handler(
            "google.cloud.aiplatform.v1.PipelineService",
            {
                "CreatePipelineJob": unary(
                    service.create_pipeline_job, v1.CreatePipelineJobRequest, v1.PipelineJob
                ),
                "GetPipelineJob": unary(
                    service.get_pipeline_job, v1.GetPipelineJobRequest, v1.PipelineJob
                ),
            },
        ),
        grpc.method_handlers_generic_handler(
            "google.cloud.aiplatform.v1.ScheduleService",
            {
                "CreateSchedule": unary(
                    service.create_schedule, v1.CreateScheduleRequest, v1.Schedule
                )
            },
        ),
    ]


class _Http(http.server.BaseHTTPRequestHandler):
    google: Google
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        self._answer()

    do_POST = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        self.google.asked.append((self.command, self.path))
        if "/storage/v1/b/" in url.path:
            self._storage(url)
            return
        answer = self.google.answers.get((self.command, url.path), 404)
        if isinstance(answer, int):
            message = f"{url.path} says {answer}"
            self._send(answer, json.dumps({"error": {"code": answer, "message": message}}).encode())
        else:
            self._send(200, json.dumps(answer).encode())

    def _storage(self, url: urllib.parse.SplitResult) -> None:
        query = urllib.parse.parse_qs(url.query)
        path = url.path.partition("/storage/v1/b/")[2].split("/")
        bucket, rest = path[0], path[1:]
        folder = self.google.buckets / bucket
        if not folder.is_dir():
            return self._send(404, json.dumps({"error": {"message": "no such bucket"}}).encode())
        if refused := self.google.refused.get("/".join(path)):
            message = f"{'/'.join(path)} says {refused}"
            return self._send(refused, json.dumps({"error": {"message": message}}).encode())
        if rest == ["iam"]:
            return self._json(self.google.policies.get(bucket, {}))
        if not rest:
            return self._json({"kind": "storage#bucket", **self._bucket(bucket)})
        if rest == ["iam", "testPermissions"]:
            may = self.google.permissions & set(query["permissions"])
            return self._json({"permissions": sorted(may)})
        if rest == ["o"]:
            prefix = query.get("prefix", [""])[0]
            found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
            items = [
                self._object(bucket, name) for name in sorted(found) if name.startswith(prefix)
            ]
            most = int(query.get("maxResults", [len(items) or 1])[0])
            return self._json({"kind": "storage#objects", "items": items[:most]})
        name = urllib.parse.unquote(rest[1])
        if not (folder / name).is_file():
            return self._send(404, json.dumps({"error": {"message": "no such object"}}).encode())
        if query.get("alt") == ["media"]:
            return self._media((folder / name).read_bytes())
        return self._json(self._object(bucket, name))

    def _bucket(self, name: str) -> dict[str, str]:
        location = self.google.locations.get(name, "us-central1").upper()
        kind = "region" if "-" in location else "multi-region"
        return {"id": name, "name": name, "location": location, "locationType": kind}

    def _object(self, bucket: str, name: str) -> dict[str, Any]:
        size = (self.google.buckets / bucket / name).stat().st_size
        moment = "2026-11-25T00:00:00.000Z"
        return {
            "kind": "storage#object", "name": name, "bucket": bucket, "size": str(size),
            "generation": "1", "metageneration": "1", "updated": moment, "timeCreated": moment,
        }  # fmt: skip

    def _media(self, content: bytes) -> None:
        asked = self.headers.get("Range")
        if not asked:
            return self._send(200, content)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        end = min(int(last or len(content)), len(content) - 1)
        part = content[int(first) : end + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def serving(buckets: Path) -> Iterator[Google]:
    """Yields stand-ins that serve until the block ends."""
    rpc = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    rpc_port = rpc.add_insecure_port("127.0.0.1:0")
    handler = type("Handler", (_Http,), {})
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{web.server_port}"
    google = Google(
        Endpoints(
            vertex=f"http://127.0.0.1:{rpc_port}",
            storage=address,
            registry=f"{address}/registry/{{host}}",
            iam=address,
            service_usage=address,
            compute=address,
        ),
        buckets,
    )
    handler.google = google
    rpc.add_generic_rpc_handlers(_handlers(google))
    rpc.start()
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    try:
        yield google
    finally:
        web.shutdown()
        web.server_close()
        rpc.stop(grace=1).wait()
