"""A run on Vertex AI: compile, submit, follow."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.console import PlainConsole
from common.errors import InputError
from common.exit_status import PUSHED, with_exit_status
from pipeline.config import PipelineConfig
from pipeline.vertex import faults
from pipeline.vertex.settings import VertexConfig

if TYPE_CHECKING:
    from google.cloud import aiplatform

PROGRAM = "vertex_runner.py"
_DISK_FULL = "the disk is full: free some space, or let --output and TMPDIR name another"
_SECONDS_A_REQUEST = 60


def compile_only(config: PipelineConfig, vertex: VertexConfig, output: str) -> int:
    """Writes the compiled pipeline; reads no input file and needs no network.

    The digests of the archive stay empty, therefore; FmaExampleGen's driver fills them in when the
    pipeline runs.
    """

    def action() -> int:
        _compile(config, vertex, output)
        _console().print(f"compiled to {output}", markup=False)
        return PUSHED

    return _run(action, "interrupted; run the same command again")


def submit(config: PipelineConfig, vertex: VertexConfig, *, output: str | None, wait: bool) -> int:
    """Reads the input, compiles and submits the pipeline.

    Args:
        config: the run; the digests of its input files are filled in here.
        vertex: where it runs.
        output: where the compiled pipeline is left; None for nowhere.
        wait: whether to follow the job to its end.
    """

    def action() -> int:
        from pipeline import preflight
        from pipeline.vertex import watching

        console = _console()
        with faults.explained("cannot read the input"):
            checked, plan = preflight.check(config)
        preflight.print_plan(console, checked, plan, _beam(vertex))
        with tempfile.TemporaryDirectory() as folder:
            spec_path = output or str(Path(folder) / "pipeline.json")
            compiled = _compile(checked, vertex, spec_path)
            job = _job(compiled, spec_path, checked, vertex)
        look = f"{_console_url(vertex)} shows whether it was submitted; if not, run this again"
        with faults.explained("cannot submit the pipeline", look), _quiet_sdk():
            name = _start(job, vertex)
        console.print(f"submitted {name}", markup=False)
        if not wait:
            console.print(f"  {_console_url(vertex)}", markup=False)
            return PUSHED
        return watching.watch(name, vertex, console=console)

    return _run(
        action,
        f"interrupted; {_console_url(vertex)} shows whether the pipeline was submitted",
    )


def follow(job_name: str, vertex: VertexConfig) -> int:
    """Follows a job that was submitted before, by its name or id, to its end."""

    def action() -> int:
        from pipeline.vertex import watching

        return watching.watch(job_name, vertex, console=_console())

    return _run(action, "interrupted; the job runs on")


def _run(action: Callable[[], int], interrupted: str) -> int:
    return with_exit_status(PROGRAM, action, interrupted=interrupted, disk_full=_DISK_FULL)


def _console() -> PlainConsole:
    return PlainConsole(soft_wrap=True)


def _compile(config: PipelineConfig, vertex: VertexConfig, output: str) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # CUDA's absence, a screenful
    from pipeline.vertex import compile

    job = compile.compile_pipeline(config, vertex)
    try:
        compile.write(job, output)
    except OSError as error:
        raise InputError(f"cannot write --output {output}: {error.strerror}") from error
    return job


def _job(
    compiled: dict[str, Any], spec_path: str, config: PipelineConfig, vertex: VertexConfig
) -> aiplatform.PipelineJob:
    """Returns the job of a compiled pipeline, not yet submitted."""
    from google.cloud import aiplatform

    with faults.explained("cannot submit the pipeline"):
        try:
            return aiplatform.PipelineJob(
                display_name=config.name,
                template_path=spec_path,
                pipeline_root=config.pipeline_root,
                # True would also cache the tasks that are compiled without a cache.
                enable_caching=None if config.enable_cache else False,
                encryption_spec_key_name=vertex.encryption_key or None,
                # Google's class drops the labels of the file, which have TFX's version.
                labels={**compiled.get("labels", {}), **dict(vertex.labels)},
                project=vertex.project,
                location=vertex.region,
                failure_policy=vertex.failure_policy,
            )
        except ValueError as error:
            raise InputError(str(error)) from error


@contextlib.contextmanager
def _quiet_sdk() -> Iterator[None]:
    """Drops what Google's SDK logs: hints for Python, and tracebacks of errors that it ignores."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _start(job: aiplatform.PipelineJob, vertex: VertexConfig) -> str:
    """Submits a job, or creates its schedule; returns the resource name."""
    settings: dict[str, Any] = {
        "service_account": vertex.service_account or None,
        "network": vertex.network or None,
        "create_request_timeout": _SECONDS_A_REQUEST,
    }
    if not vertex.schedule:
        job.submit(**settings)
        return str(job.resource_name)
    # By default at most one run at a time: the next one waits for one that takes longer.
    name = job.pipeline_spec["pipelineInfo"]["name"]
    schedule = job.create_schedule(cron=vertex.schedule, display_name=name, **settings)
    return str(schedule.resource_name)


def _console_url(vertex: VertexConfig) -> str:
    page = "schedules" if vertex.schedule else "runs"
    return f"https://console.cloud.google.com/vertex-ai/pipelines/{page}?project={vertex.project}"


def _beam(vertex: VertexConfig) -> str:
    if vertex.beam_runner == "DataflowRunner":
        workers = vertex.dataflow
        return f"Dataflow, at most {workers.max_workers} {workers.machine_type} a component"
    return f"in the containers, {vertex.task.cpus} processes"
