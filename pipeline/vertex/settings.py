"""Where and on what the pipeline runs on Google Cloud: frozen values, standard library only."""

from __future__ import annotations

import dataclasses

BEAM_RUNNERS = ("DataflowRunner", "DirectRunner")
FAILURE_POLICIES = ("slow", "fast")


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine of one custom job or endpoint replica.

    `accelerator_type` is a name of Vertex AI's `AcceleratorType`, such as `NVIDIA_TESLA_T4` or
    `TPU_V3`; empty for none. A TPU's count is its cores (8 for a v3-8) where Vertex counts cores.
    """

    machine_type: str = "n1-standard-8"
    accelerator_type: str = ""
    accelerator_count: int = 0


@dataclasses.dataclass(frozen=True)
class DataflowConfig:
    """The workers of every Beam component."""

    machine_type: str = "n1-standard-4"
    max_workers: int = 10
    disk_gb: int = 50
    subnetwork: str = ""
    public_ips: bool = True


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
        classical: the machine that classical models train on.
        network_machine: the machine that networks train, and are tuned, on.
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
    classical: Machine = Machine()
    network_machine: Machine = Machine()
    endpoint: EndpointConfig | None = None
    schedule: str = ""
    failure_policy: str = "slow"
