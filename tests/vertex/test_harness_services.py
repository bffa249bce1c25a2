"""The harness' containers, custom jobs and pipelines, with command lines that take no time."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport

from tests.vertex.harness.bucket import Buckets
from tests.vertex.harness.container import ContainerError, Image, install
from tests.vertex.harness.job_service import JobService, serving
from tests.vertex.harness.pipeline_service import PipelineService
from tests.vertex.harness.spec import Job, read_job

ROOT = Path(__file__).parents[2]
PARENT = "projects/my-project/locations/us-central1"
BLESSING = {"artifactType": {"instanceSchema": "title: tfx.ModelBlessing\ntype: object\n"}}
# What TFX's entry point does, in short: says of its only output what the parameter says.
EXECUTOR = textwrap.dedent("""
    import json, os, sys
    given = json.loads(sys.argv[1])
    (output,) = given["outputs"]["artifacts"]["blessing"]["artifacts"]
    output["metadata"] = {"blessed": given["inputs"]["parameterValues"]["blessed"]}
    os.makedirs(os.path.dirname(given["outputs"]["outputFile"]))
    with open(given["outputs"]["outputFile"], "w") as file:
        json.dump({"artifacts": {"blessing": {"artifacts": [output]}}}, file)
    assert "gs:" not in sys.argv[1]
""")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    home = tmp_path / "home"
    home.mkdir()
    return Image("image:1", install(ROOT, tmp_path / "image"), home)


def compiled(folder: Path, *, blessed: int, **task: Any) -> Job:
    """Return a job with a resolver of the last blessing, and a task that makes the next one."""
    query = 'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.blessed.number_value=1'
    container = {"image": "image:1", "command": ["python", "-c", EXECUTOR], "args": ["{{$}}"]}
    last = {"taskOutputArtifact": {"producerTask": "last", "outputArtifactKey": "blessing"}}
    tasks = {
        "next": {
            "componentRef": {"name": "next"},
            "cachingOptions": {"enableCache": True},
            "inputs": {
                "artifacts": {"baseline": last},
                "parameters": {"blessed": {"runtimeValue": {"constant": blessed}}},
            },
            **task,
        },
        "last": {"componentRef": {"name": "last"}},
    }
    outputs = {"artifacts": {"blessing": BLESSING}}
    spec = {
        "pipelineInfo": {"name": "music-genre"},
        "root": {"dag": {"tasks": tasks}},
        "components": {
            name: {"executorLabel": name, "outputDefinitions": outputs} for name in tasks
        },
        "deploymentSpec": {
            "executors": {
                "last": {"resolver": {"outputArtifactQueries": {"blessing": {"filter": query}}}},
                "next": {"container": container},
            }
        },
    }
    path = folder / "pipeline.json"
    config = {"gcsOutputDirectory": "gs://bucket/root"}
    path.write_text(json.dumps({"pipelineSpec": spec, "runtimeConfig": config}))
    return read_job(path)


def test_a_container_has_what_the_image_has_and_nothing_of_the_checkout(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "secret.json")
    log = tmp_path / "log"
    code = "import os, pipeline.config, system; print(system.__file__, sorted(os.environ))"
    image.run(["python", "-c", code], log)
    assert str(image.code) in log.read_text()
    assert "GOOGLE" not in log.read_text()
    with pytest.raises(ContainerError, match="No module named 'local_runner'"):
        image.run(["python", "-c", "import local_runner"], log)


def test_a_custom_job_runs_or_says_why_not(image: Image, tmp_path: Path) -> None:
    def job(code: str, image_uri: str = image.name) -> aiplatform_v1.CustomJob:
        container = {"image_uri": image_uri, "command": ["python", "-c", code]}
        pools = [{"replica_count": 1, "container_spec": container}]
        return aiplatform_v1.CustomJob(display_name="job", job_spec={"worker_pool_specs": pools})

    with serving(*JobService(image, tmp_path).handlers()) as address:
        transport = JobServiceGrpcTransport(channel=grpc.insecure_channel(address))
        client = aiplatform_v1.JobServiceClient(transport=transport)
        good, bad = (
            client.create_custom_job(parent=PARENT, custom_job=job(code))
            for code in ("import os; os.environ['CLOUD_ML_JOB_ID']", "raise SystemExit('no data')")
        )
        assert client.get_custom_job(name=good.name).state.name == "JOB_STATE_SUCCEEDED"
        failed = client.get_custom_job(name=bad.name)
        assert failed.state.name == "JOB_STATE_FAILED"
        assert "no data" in failed.error.message
        endless = client.create_custom_job(
            parent=PARENT, custom_job=job("import time; time.sleep(600)")
        )
        client.cancel_custom_job(name=endless.name)
        assert client.get_custom_job(name=endless.name).state.name == "JOB_STATE_CANCELLED"
        with pytest.raises(exceptions.NotFound, match="image:2"):
            client.create_custom_job(parent=PARENT, custom_job=job("", "image:2"))


def test_a_run_finds_what_an_earlier_one_blessed(image: Image, tmp_path: Path) -> None:
    service = PipelineService(image, Buckets(tmp_path / "buckets"), tmp_path / "logs")
    first = service.run(compiled(tmp_path, blessed=1))
    assert first.outputs["last"] == {"blessing": []}
    blessing = first.artifact("next", "blessing")
    assert blessing.metadata == {"blessed": 1}
    assert blessing.uri.startswith("gs://bucket/root/")
    second = service.run(compiled(tmp_path, blessed=0))
    assert second.artifact("last", "blessing") is blessing
    third = service.run(compiled(tmp_path, blessed=0))
    assert third.artifact("last", "blessing") is blessing
    assert (second.cached, third.cached) == (set(), {"next"})
    fourth = service.run(compiled(tmp_path, blessed=0), {"next": first.outputs["next"]})
    assert fourth.artifact("next", "blessing") is blessing
    assert not fourth.executor_inputs


def test_what_the_harness_cannot_run_is_refused(image: Image, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="next"):
        compiled(tmp_path, blessed=1, triggerPolicy={"condition": "true"})
