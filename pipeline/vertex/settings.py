"""Where and on what the pipeline runs on Google Cloud: frozen values, standard library only.

Google validates names, machine types and regions.
"""

from __future__ import annotations

import dataclasses

from components.endpoint_deployer.target import EndpointConfig, Machine

BEAM_RUNNERS = ("DataflowRunner", "DirectRunner")
FAILURE_POLICIES = ("slow", "fast")


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
