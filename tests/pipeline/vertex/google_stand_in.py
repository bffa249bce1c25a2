"""Google Cloud on this machine: servers on 127.0.0.1 that Google's own clients talk to.

The pipeline and the schedule service speak gRPC with Google's messages, and buckets are folders.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from google.cloud import aiplatform_v1 as api

from tests.grpc_stand_in import PACKAGE, Method, service
from tests.grpc_stand_in import serving as serving_grpc


@dataclasses.dataclass
class Google:
    """What the services answer, and what they were asked.

    Attributes:
        buckets: folder that holds a folder by bucket.
        refused: HTTP status by bucket and what follows it in the path.
        faults: status and message that the next requests to Vertex AI fail with, in turn.
        looks: what a request for a job returns, in turn; the last one stays.
        requests: every request to Vertex AI.
    """

    buckets: Path
    refused: dict[str, int] = dataclasses.field(default_factory=dict)
    faults: list[tuple[grpc.StatusCode, str]] = dataclasses.field(default_factory=list)
    looks: list[api.PipelineJob] = dataclasses.field(default_factory=list)
    requests: list[Any] = dataclasses.field(default_factory=list)
    rpc_address: str = ""
    http_address: str = ""

    def create_pipeline_job(self, request: api.CreatePipelineJobRequest) -> api.PipelineJob:
        job = api.PipelineJob(request.pipeline_job)
        job.name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        return job

    def get_pipeline_job(self, request: api.GetPipelineJobRequest) -> api.PipelineJob:
        job = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        job.name = request.name
        return job

    def create_schedule(self, request: api.CreateScheduleRequest) -> api.Schedule:
        schedule = api.Schedule(request.schedule)
        schedule.name = f"{request.parent}/schedules/77"
        return schedule

    def _unless_faulty(self, method: Callable[[Any], Any]) -> Method:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self.requests.append(request)
            if self.faults:
                context.abort(*self.faults.pop(0))
            return method(request)

        return answer

    def handlers(self) -> Iterator[grpc.GenericRpcHandler]:
        """Yield what a gRPC server needs to answer as Vertex AI."""
        create, get, schedule = map(
            self._unless_faulty,
            (self.create_pipeline_job, self.get_pipeline_job, self.create_schedule),
        )
        jobs = {"CreatePipelineJob": create, "GetPipelineJob": get}
        yield service(f"{PACKAGE}.PipelineService", jobs)
        yield service(f"{PACKAGE}.ScheduleService", {"CreateSchedule": schedule})


class _Http(http.server.BaseHTTPRequestHandler):
    """Cloud Storage's JSON API, for reading."""

    google: Google
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        bucket, _, rest = url.path.partition("/storage/v1/b/")[2].partition("/")
        folder = self.google.buckets / bucket
        path = folder / urllib.parse.unquote(rest.removeprefix("o/"))
        if not folder.is_dir():
            self._json({"error": {"message": "The specified bucket does not exist."}}, 404)
        elif refused := self.google.refused.get(f"{bucket}/{rest}"):
            self._json({"error": {"message": f"{rest} is denied"}}, refused)
        elif not rest:
            self._json({"name": bucket})
        elif rest == "o":
            prefix = query.get("prefix", [""])[0]
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            items = [self._object(bucket, file) for file in files]
            self._json({"items": [item for item in items if item["name"].startswith(prefix)]})
        elif not path.is_file():
            self._json({"error": {"message": "No such object"}}, 404)
        elif query.get("alt") == ["media"]:
            self._media(path.read_bytes())
        else:
            self._json(self._object(bucket, path))

    def _object(self, bucket: str, path: Path) -> dict[str, str]:
        name = path.relative_to(self.google.buckets / bucket).as_posix()
        moment = "2026-11-25T00:00:00.000Z"
        return {
            "name": name, "bucket": bucket, "size": str(path.stat().st_size), "generation": "1",
            "updated": moment, "timeCreated": moment,
        }  # fmt: skip

    def _media(self, content: bytes) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
        end = min(int(last or len(content)), len(content) - 1)
        part = content[int(first) : end + 1]
        self._send(206, part, f"bytes {first}-{end}/{len(content)}")

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode())

    def _send(self, status: int, body: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving(buckets: Path) -> Iterator[Google]:
    """Serve until the block ends."""
    google = Google(buckets)
    handler = type("Handler", (_Http,), {"google": google})
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    google.http_address = f"http://127.0.0.1:{web.server_port}"
    threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with serving_grpc(*google.handlers()) as google.rpc_address:
            yield google
    finally:
        web.shutdown()
        web.server_close()
