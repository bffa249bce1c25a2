"""Where and on what the pipeline runs on Google Cloud, which validates most of the names itself."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar, Literal

from common.config import Config, Flag, Group
from components.endpoint_deployer.target import EndpointConfig, Machine

IMAGE = "{region}-docker.pkg.dev/{project}/music-genre/pipeline:latest"


@dataclasses.dataclass(frozen=True)
class DataflowConfig(Config):
    """The workers of every Beam component."""

    machine_type: Annotated[
        str, Flag("machine type of a worker", "TYPE", "dataflow-machine-type")
    ] = "n1-standard-4"
    max_workers: Annotated[
        int, Flag("maximum number of workers of a component", "N", "dataflow-max-workers")
    ] = 10
    disk_gb: Annotated[int, Flag("disk of a worker, in GB", "N", "dataflow-disk-gb")] = 50
    subnetwork: Annotated[
        str,
        Flag(
            "regions/R/subnetworks/NAME, or its full URL where the VPC is shared", "NAME",
            "dataflow-subnetwork",
        ),
    ] = ""  # fmt: skip
    public_ips: Annotated[
        bool,
        Flag(
            "give workers external addresses; without them the subnetwork needs Private Google "
            "Access", name="dataflow-public-ips", old=("dataflow-no-public-ips",),
        ),
    ] = True  # fmt: skip


@dataclasses.dataclass(frozen=True)
class TaskConfig(Config):
    """What a task asks for that runs in its own container, neither on Dataflow nor as a job."""

    cpus: Annotated[int, Flag("processors of any other task's container", "N", "task-cpus")] = 4
    memory_gb: Annotated[
        int, Flag("memory of any other task's container, in GB", "N", "task-memory-gb")
    ] = 16


@dataclasses.dataclass(frozen=True)
class VertexConfig(Config):
    """One project's way of running the pipeline."""

    flag_group: ClassVar[str] = "Google Cloud"

    project: Annotated[str, Flag("Google Cloud project id", "ID")]
    region: Annotated[str, Flag("region of all that runs, such as us-central1", "R")]
    image: Annotated[
        str,
        Flag(f"image of containers and workers; default: {IMAGE.format(region='R', project='ID')}"),
    ] = ""
    service_account: Annotated[
        str,
        Flag(
            "service account of tasks, jobs and workers; default: Compute Engine's service account",
            "EMAIL",
        ),
    ] = ""
    encryption_key: Annotated[
        str, Flag("projects/P/locations/R/keyRings/K/cryptoKeys/N; default: Google's own", "NAME")
    ] = ""
    network: Annotated[
        str, Flag("peered VPC of tasks and jobs, projects/NUMBER/global/networks/NAME", "NAME")
    ] = ""
    labels: Annotated[
        tuple[tuple[str, str], ...],
        Flag("labels of the pipeline job and of what it starts", "K=V,K=V…"),
    ] = ()
    beam_runner: Annotated[
        Literal["DataflowRunner", "DirectRunner"],
        Flag("where Beam components run: on Dataflow, or inside their own container", group="Beam"),
    ] = "DataflowRunner"
    dataflow: Annotated[DataflowConfig, Group("Beam")] = DataflowConfig()
    task: Annotated[TaskConfig, Group("machines")] = TaskConfig()
    classical: Annotated[
        Machine,
        Group(
            "machines", {"machine_type": "classical-machine-type"},
            " that classical models are trained on",
        ),
    ] = Machine()  # fmt: skip
    network_machine: Annotated[
        Machine,
        Group(
            "machines",
            {
                "machine_type": "network-machine-type",
                "accelerator_type": "accelerator-type",
                "accelerator_count": "accelerator-count",
                "tpu_topology": "tpu-topology",
            },
            ", for the training and tuning of networks",
        ),
    ] = Machine()
    network_image: Annotated[
        str,
        Flag(
            "image on the networks' machine: one with CUDA's libraries for a GPU, one with libtpu "
            "for a TPU; default: --image", "IMAGE", group="machines",
        ),
    ] = ""  # fmt: skip
    # None: a pushed model goes to the bucket alone.
    endpoint: Annotated[EndpointConfig | None, Group("endpoint")] = None
    schedule: Annotated[
        str,
        Flag(
            "with --submit: run by this cron expression, such as '0 3 * * 1', instead of now",
            "CRON", group="run",
        ),
    ] = ""  # fmt: skip
    failure_policy: Annotated[
        Literal["slow", "fast"],
        Flag("slow lets independent tasks finish after a failure, fast stops", group="run"),
    ] = "slow"
