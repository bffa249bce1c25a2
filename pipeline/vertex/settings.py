"""Where and on what the pipeline runs on Google Cloud: frozen values, standard library only.

Google validates names, machine types and regions. What would fail only at the end of a run, when
the model is deployed, is validated here.
"""

from __future__ import annotations

import dataclasses
import re

BEAM_RUNNERS = ("DataflowRunner", "DirectRunner")
FAILURE_POLICIES = ("slow", "fast")

# The name is also the id of the model, and part of a filter.
_ENDPOINT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine of one custom job or endpoint replica, by Google's own names.

    Attributes:
        machine_type: such as `n1-standard-8`.
        accelerator_type: a name of Vertex AI's `AcceleratorType`, such as `NVIDIA_TESLA_T4` or
            `TPU_V3`; empty for none, and for a TPU that is part of the machine type.
        accelerator_count: number of GPUs, or of the cores of a TPU v2 or v3.
        tpu_topology: such as `2x2`, for a TPU that is part of the machine type.
    """

    machine_type: str = "n1-standard-8"
    accelerator_type: str = ""
    accelerator_count: int = 0
    tpu_topology: str = ""


@dataclasses.dataclass(frozen=True)
class DataflowConfig:
    """The workers of every Beam component."""

    machine_type: str = "n1-standard-4"
    max_workers: int = 10
    disk_gb: int = 50
    subnetwork: str = ""
    public_ips: bool = True


@dataclasses.dataclass(frozen=True)
class TaskConfig:
    """What a task asks for that runs in its own container, neither on Dataflow nor as a job."""

    cpus: int = 4
    memory_gb: int = 16


@dataclasses.dataclass(frozen=True)
class EndpointConfig:
    """The endpoint that a pushed model is deployed to.

    `traffic_percent` is what a new model gets; below 100 the one before keeps the rest (a canary),
    at 100 the models before it are undeployed.
    """

    display_name: str = "music-genre"
    machine: Machine = Machine("n1-standard-2")
    min_replicas: int = 1
    max_replicas: int = 1
    traffic_percent: int = 100

    def __post_init__(self) -> None:
        """Raises ValueError for counts that do not fit together, or no share of the traffic."""
        if not _ENDPOINT_NAME.fullmatch(self.display_name):
            raise ValueError(
                "endpoint_name must be of a-z, 0-9 and -, begin with a letter and have at most 63 "
                f"characters, got {self.display_name!r}"
            )
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                "min_replicas must be from 1 to max_replicas, "
                f"got {self.min_replicas} and {self.max_replicas}"
            )
        if not 0 <= self.traffic_percent <= 100:
            raise ValueError(f"traffic_percent must be from 0 to 100, got {self.traffic_percent}")


@dataclasses.dataclass(frozen=True)
class VertexConfig:
    """One project's way of running the pipeline.

    Attributes:
        project: Google Cloud project id.
        region: of the pipeline and of all that it starts, such as `us-central1`.
        image: of the containers and of Dataflow's workers.
        service_account: email of whom everything runs as; empty for the project's default.
        encryption_key: name of a Cloud KMS key; empty for Google's own.
        network: full name of a peered network; empty for none.
        labels: of the pipeline job and of what it starts, as (key, value) pairs.
        beam_runner: where Beam components run: on Dataflow, or inside their own container.
        dataflow: its workers.
        task: the containers of the tasks.
        classical: the machine that classical models train on.
        network_machine: the machine that networks train, and are tuned, on.
        network_image: what runs there; empty for `image`. A GPU and a TPU need one of their own.
        endpoint: where a pushed model is deployed; None: only to the bucket.
        schedule: cron expression; empty to run once, now.
        failure_policy: `slow` lets independent tasks finish after a failure, `fast` stops.
    """

    project: str
    region: str
    image: str
    service_account: str = ""
    encryption_key: str = ""
    network: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    beam_runner: str = "DataflowRunner"
    dataflow: DataflowConfig = DataflowConfig()
    task: TaskConfig = TaskConfig()
    classical: Machine = Machine()
    network_machine: Machine = Machine()
    network_image: str = ""
    endpoint: EndpointConfig | None = None
    schedule: str = ""
    failure_policy: str = "slow"
