"""Beam's flags, and how its batches are bounded."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from common.config import POSITIVE, Config, Flag, require

if TYPE_CHECKING:
    from pipeline.vertex.settings import VertexConfig

# Below this many clips a worker process's start (it imports TFX again) costs more than it brings.
_CLIPS_WORTH_WORKERS = 2_000

# The workers have the packages. Without this flag TFX packs itself anew for every component, for
# workers that have not: two seconds each, left behind in the temporary folder.
_NOTHING_TO_PACK = "--sdk_container_image=none"
_BOUNDED_BATCHES = "tfxio_use_byte_size_batching"


@dataclasses.dataclass(frozen=True)
class BeamConfig(Config):
    """How Beam runs on this machine."""

    runner: Annotated[
        Literal["DirectRunner", "FlinkRunner", "SparkRunner", "PortableRunner"],
        Flag("Beam's runner", name="beam-runner"),
    ] = "DirectRunner"
    workers: Annotated[
        int | None, POSITIVE,
        Flag("worker processes, 1 for none; default: by the number of clips", "N", "beam-workers"),
    ] = None  # fmt: skip
    job_endpoint: Annotated[
        str,
        Flag(
            "job service of Flink, Spark or another portable runner; default: Beam starts one for "
            "Flink or Spark, with Java", "HOST:PORT",
        ),
    ] = ""  # fmt: skip
    worker_pool: Annotated[
        str,
        Flag(
            "Python workers of a portable runner, with this project's packages; default: in this "
            "process", "HOST:PORT",
        ),
    ] = ""  # fmt: skip
    extra: Annotated[
        tuple[str, ...],
        Flag(
            "a further flag for Beam; may be repeated", "=--flag=VALUE", "beam-arg", repeated=True
        ),
    ] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for values that do not go together."""
        super().__post_init__()
        for name in ("job_endpoint", "worker_pool"):
            value = getattr(self, name)
            is_portable = not value or self.runner != "DirectRunner"
            require(is_portable, f"{name} needs a --beam-runner other than DirectRunner", value)
            is_address = not value or bool(re.fullmatch(r"\S+:\d+", value))
            require(is_address, f"{name} must be HOST:PORT", value)
        require(
            self.runner != "PortableRunner" or bool(self.job_endpoint),
            "job_endpoint must be HOST:PORT with --beam-runner PortableRunner",
            self.job_endpoint,
        )

    def flags(self, n_clips: int) -> tuple[tuple[str, ...], str]:
        """Returns Beam's flags and a line that says what was chosen and why.

        Args:
            n_clips: clips to read; they decide the number of workers where it is not given.
        """
        is_direct = self.runner == "DirectRunner"
        flags, why = self._direct(n_clips) if is_direct else self._portable()
        return (*flags, _NOTHING_TO_PACK, *self.extra), why

    def _direct(self, n_clips: int) -> tuple[tuple[str, ...], str]:
        workers, why = self.workers, "as asked for"
        if workers is None:
            small = n_clips < _CLIPS_WORTH_WORKERS
            workers = 1 if small else os.cpu_count() or 1
            than = f"{'fewer' if small else 'not fewer'} than {_CLIPS_WORTH_WORKERS}"
            why = f"{n_clips} clips, {than}"
        where = "in memory" if workers == 1 else f"{workers} worker processes"
        return _local_runner(workers), f"{where} ({why})"

    def _portable(self) -> tuple[list[str], str]:
        flags = [f"--runner={self.runner}"]
        if self.job_endpoint:
            flags.append(f"--job_endpoint={self.job_endpoint}")
        if self.worker_pool:
            flags += ["--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}"]
        else:
            flags.append("--environment_type=LOOPBACK")
        if self.workers:
            flags.append(f"--parallelism={self.workers}")
        where = f"workers of {self.worker_pool}" if self.worker_pool else "workers in this process"
        return flags, f"{self.runner} at {self.job_endpoint or 'a job service of its own'}, {where}"


def _local_runner(workers: int) -> tuple[str, ...]:
    mode = "in_memory" if workers == 1 else "multi_processing"
    return (
        "--runner=pipeline.beam_runner.LocalRunner",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={workers}",
    )


def on_vertex(vertex: VertexConfig, scratch: str) -> tuple[str, ...]:
    """Returns the flags of the containers that run on Vertex AI.

    TFX sets the flags of absl that it finds among Beam's, so batches are bounded here, too.

    Args:
        vertex: the runner and its workers.
        scratch: folder, `gs://…`, for what Dataflow stages and spills.
    """
    if vertex.beam_runner == "DataflowRunner":
        flags = tuple(_dataflow(vertex, scratch))
    else:
        flags = (*_local_runner(vertex.task.cpus), _NOTHING_TO_PACK)
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
