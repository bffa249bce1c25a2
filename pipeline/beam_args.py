"""Beam's flags, and how its batches are bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.vertex.settings import VertexConfig

# Below this many clips a worker process's start (it imports TFX again) costs more than it brings.
_CLIPS_WORTH_WORKERS = 2_000

# The workers have the packages. Without this flag TFX packs itself anew for every component, for
# workers that have not: two seconds each, left behind in the temporary folder.
_NOTHING_TO_PACK = "--sdk_container_image=none"
_BOUNDED_BATCHES = "tfxio_use_byte_size_batching"
_RUNNER = "pipeline.beam_runner.LocalRunner"


def direct_runner(n_clips: int, workers: int | None) -> tuple[tuple[str, ...], str]:
    """Returns the flags of Beam's direct runner and the reason for them.

    Args:
        n_clips: clips to read.
        workers: worker processes; 1 means in memory, None lets the number of clips decide.
    """
    if workers is None:
        small = n_clips < _CLIPS_WORTH_WORKERS
        workers = 1 if small else os.cpu_count() or 1
        why = f"{n_clips} clips, {'fewer' if small else 'not fewer'} than {_CLIPS_WORTH_WORKERS}"
    else:
        why = "as asked for"
    if workers == 1:
        return _flags("in_memory", 1), f"in memory ({why})"
    return _flags("multi_processing", workers), f"{workers} worker processes ({why})"


def _flags(mode: str, workers: int) -> tuple[str, ...]:
    return (
        f"--runner={_RUNNER}",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={workers}",
        _NOTHING_TO_PACK,
    )


def portable(
    runner: str, job_endpoint: str, worker_pool: str, workers: int | None
) -> tuple[tuple[str, ...], str]:
    """Returns the flags of a runner behind Beam's job service, and a line that says how it runs.

    Args:
        runner: `FlinkRunner`, `SparkRunner` or `PortableRunner`.
        job_endpoint: `HOST:PORT` of the job service; empty for one that Beam starts by itself,
            which it can for Flink and Spark, with Java.
        worker_pool: `HOST:PORT` of a pool of Python workers; empty for workers in this process.
        workers: how many of them work at once; None leaves it to the runner.
    """
    flags = [f"--runner={runner}"]
    if job_endpoint:
        flags.append(f"--job_endpoint={job_endpoint}")
    if worker_pool:
        flags += ["--environment_type=EXTERNAL", f"--environment_config={worker_pool}"]
    else:
        flags.append("--environment_type=LOOPBACK")
    if workers:
        flags.append(f"--parallelism={workers}")
    flags.append(_NOTHING_TO_PACK)
    where = f"workers of {worker_pool}" if worker_pool else "workers in this process"
    return tuple(flags), f"{runner} at {job_endpoint or 'a job service of its own'}, {where}"


def on_vertex(vertex: VertexConfig, scratch: str) -> tuple[str, ...]:
    """Returns the flags of the containers that run on Vertex AI.

    TFX sets the flags of absl that it finds among Beam's, so batches are bounded here, too.

    Args:
        vertex: the runner and its workers.
        scratch: folder, `gs://…`, for what Dataflow stages and spills.
    """
    if vertex.beam_runner == "DataflowRunner":
        flags = tuple(_dataflow(vertex, scratch))
    elif vertex.task.cpus == 1:
        flags = _flags("in_memory", 1)
    else:
        flags = _flags("multi_processing", vertex.task.cpus)
    return (*flags, f"--{_BOUNDED_BATCHES}")


def _dataflow(vertex: VertexConfig, scratch: str) -> Iterator[str]:
    workers = vertex.dataflow
    yield "--runner=DataflowRunner"
    yield f"--project={vertex.project}"
    yield f"--region={vertex.region}"
    yield f"--temp_location={scratch}/temp"
    yield f"--staging_location={scratch}/staging"
    yield f"--machine_type={workers.machine_type}"
    yield "--autoscaling_algorithm=THROUGHPUT_BASED"
    yield f"--max_num_workers={workers.max_workers}"
    yield f"--disk_size_gb={workers.disk_gb}"
    yield "--experiments=use_runner_v2"  # custom images need it
    yield f"--sdk_container_image={vertex.image}"
    # Beam is in the image; by default it would be fetched and staged for every component.
    yield "--sdk_location=container"
    if vertex.service_account:
        yield f"--service_account_email={vertex.service_account}"
    if vertex.encryption_key:
        yield f"--dataflow_kms_key={vertex.encryption_key}"
    if workers.subnetwork:
        yield f"--subnetwork={workers.subnetwork}"
    if not workers.public_ips:
        yield "--no_use_public_ips"
    for key, value in vertex.labels:
        yield f"--labels={key}={value}"


def bound_batches() -> None:
    """Makes TFX cut its batches by bytes (20 MiB) instead of rows.

    By rows a batch grows to 1,000, which is over a gigabyte of clips; TFX's components have no
    argument for it. To be called in the process that builds the Beam pipelines.
    """
    from absl import flags
    from tfx_bsl.coders import batch_util

    del batch_util  # imported for the flag that it defines
    flags.FLAGS.set_default(_BOUNDED_BATCHES, True)
