"""A run on Vertex AI, from the checks to the verdict on the console."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pipeline.console import PlainConsole
from pipeline.errors import InputError
from pipeline.exit_status import BAD_INPUT, PUSHED, with_exit_status
from pipeline.run_config import PipelineConfig
from pipeline.terminal import complain
from pipeline.vertex import cost, faults
from pipeline.vertex.cloud import Cloud, Endpoints
from pipeline.vertex.problems import ERROR
from pipeline.vertex.settings import VertexConfig

PROGRAM = "vertex_runner.py"
_DISK_FULL = "the disk is full: free some space, or let --output and TMPDIR name another"


def compile_only(config: PipelineConfig, vertex: VertexConfig, output: str) -> int:
    """Writes the compiled pipeline; looks at no input file and needs no network.

    The digests of the archive stay empty, therefore; FmaExampleGen's driver fills them in when the
    pipeline runs.
    """

    def whole() -> int:
        job = _compile(config, vertex, output)
        console = PlainConsole(soft_wrap=True)
        cost.print_estimate(console, job)
        console.print(f"compiled to {output}", markup=False)
        return PUSHED

    interrupted = "interrupted; run the same command again"
    return with_exit_status(PROGRAM, whole, interrupted=interrupted, disk_full=_DISK_FULL)


def _compile(config: PipelineConfig, vertex: VertexConfig, output: str) -> dict[str, object]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # CUDA's absence, a screenful
    from pipeline.vertex import compile

    job = compile.compile_pipeline(config, vertex)
    try:
        compile.write(job, output)
    except OSError as error:
        raise InputError(f"cannot write --output {output}: {error.strerror}") from error
    return job


def submit(
    config: PipelineConfig,
    vertex: VertexConfig,
    *,
    output: str | None,
    wait: bool,
    endpoints: Endpoints | None = None,
) -> int:
    """Checks, compiles and submits the pipeline.

    Args:
        config: the run; the digests of its input files are filled in here.
        vertex: where it runs.
        output: where the compiled pipeline is left; None for nowhere.
        wait: whether to follow the job to its end.
        endpoints: where Google's services answer; None for Google's own.
    """
    from pipeline.vertex import submission

    console = PlainConsole(soft_wrap=True)

    def whole() -> int:
        from pipeline import preflight
        from pipeline.vertex import checks, watching

        cloud = Cloud(vertex.project, vertex.region, endpoints)
        problems = checks.check(vertex, config, cloud=cloud)
        for problem in problems:
            complain(str(problem))
        if any(problem.kind == ERROR for problem in problems):
            return BAD_INPUT
        with faults.explained_reading(vertex):
            checked, plan = preflight.check(config)
        preflight.print_plan(console, checked, plan, _beam(vertex))
        with tempfile.TemporaryDirectory() as folder:
            spec_path = output or str(Path(folder) / "pipeline.json")
            job = _compile(checked, vertex, spec_path)
            cost.print_estimate(console, job, n_clips=plan.n_clips)
            submitted = submission.submit(
                spec_path,
                vertex,
                pipeline_root=checked.pipeline_root,
                enable_cache=checked.enable_cache,
                cloud=cloud,
                say=lambda text: console.print(text, markup=False),
            )
        console.print(f"submitted {submitted.name}", markup=False)
        console.print(f"  {submitted.console_url}", markup=False)
        if not wait:
            return PUSHED
        return watching.watch(submitted.name, vertex, cloud=cloud, console=console)

    interrupted = (
        f"interrupted before a job was seen to start: see that {submission.jobs_page(vertex)} has "
        "none before you run the same command again"
    )
    return with_exit_status(PROGRAM, whole, interrupted=interrupted, disk_full=_DISK_FULL)


def follow(job_name: str, vertex: VertexConfig, *, endpoints: Endpoints | None = None) -> int:
    """Follows a job that was submitted before, by its name or id, to its end."""

    def whole() -> int:
        from pipeline.vertex import watching

        cloud = Cloud(vertex.project, vertex.region, endpoints)
        return watching.watch(job_name, vertex, cloud=cloud)

    interrupted = "interrupted; the job is left alone"
    return with_exit_status(PROGRAM, whole, interrupted=interrupted, disk_full=_DISK_FULL)


def _beam(vertex: VertexConfig) -> str:
    if vertex.beam_runner == "DataflowRunner":
        workers = vertex.dataflow
        return f"Dataflow, at most {workers.max_workers} {workers.machine_type} a component"
    return f"in the containers, {vertex.task.cpus} processes"
