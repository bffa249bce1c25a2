"""Where and on what the pipeline runs on Google Cloud: frozen values, standard library only."""

from __future__ import annotations

import dataclasses
import re

from pipeline.vertex.machines import misfit

BEAM_RUNNERS = ("DataflowRunner", "DirectRunner")
FAILURE_POLICIES = ("slow", "fast")

_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_IMAGE = re.compile(r"[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
_SERVICE_ACCOUNT = re.compile(r"[\w.-]+@[\w.-]+\.gserviceaccount\.com")
_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_NETWORK = re.compile(r"projects/[0-9]+/global/networks/[a-z][a-z0-9-]*")
_SUBNETWORK = re.compile(
    r"(https://www\.googleapis\.com/compute/v1/projects/[^/]+/)?regions/([^/]+)/subnetworks/[^/]+"
)
# The id of the model is made of it, and so are the filters that look for it.
_ENDPOINT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MACHINE_TYPE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_CRON = re.compile(r"(TZ=[\w/+-]+ )?[\d*/,A-Za-z-]+( [\d*/,A-Za-z-]+){4}")


def _require(condition: object, expected: str, got: object) -> None:
    if not condition:
        raise ValueError(f"{expected}, got {got!r}")


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine of one custom job or endpoint replica.

    `accelerator_type` is a name of Vertex AI's `AcceleratorType`, such as `NVIDIA_TESLA_T4` or
    `TPU_V3`; empty for none, and for a TPU v5e, whose chips are part of the machine type. A TPU's
    count is its cores, 8 for a v3-8.
    """

    machine_type: str = "n1-standard-8"
    accelerator_type: str = ""
    accelerator_count: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError where machine and accelerators do not fit together."""
        _require(
            _MACHINE_TYPE.fullmatch(self.machine_type),
            "machine_type must be one of Compute Engine's, such as n1-standard-8",
            self.machine_type,
        )
        if why := misfit(self.machine_type, self.accelerator_type, self.accelerator_count):
            raise ValueError(why)


@dataclasses.dataclass(frozen=True)
class DataflowConfig:
    """The workers of every Beam component.

    `setup_file` is the path of a `setup.py` in the image whose package the workers install when
    they start; empty where the image has the code, as this project's has.
    """

    machine_type: str = "n1-standard-4"
    max_workers: int = 10
    disk_gb: int = 50
    subnetwork: str = ""
    public_ips: bool = True
    setup_file: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a value that Dataflow would refuse."""
        _require(
            _MACHINE_TYPE.fullmatch(self.machine_type),
            "dataflow_machine_type must be one of Compute Engine's, such as n1-standard-4",
            self.machine_type,
        )
        _require(
            1 <= self.max_workers <= 4000,
            "dataflow_max_workers must be from 1 to 4000",
            self.max_workers,
        )
        _require(self.disk_gb >= 30, "dataflow_disk_gb must be at least 30", self.disk_gb)
        _require(
            not self.subnetwork or _SUBNETWORK.fullmatch(self.subnetwork),
            "dataflow_subnetwork must be regions/REGION/subnetworks/NAME or its full URL",
            self.subnetwork,
        )


@dataclasses.dataclass(frozen=True)
class TaskConfig:
    """What a task asks for that runs in its own container, neither on Dataflow nor as a job."""

    cpus: int = 4
    memory_gb: int = 16

    def __post_init__(self) -> None:
        """Raises ValueError for a limit that no machine of Vertex AI meets."""
        _require(1 <= self.cpus <= 96, "task_cpus must be from 1 to 96", self.cpus)
        _require(1 <= self.memory_gb <= 624, "task_memory_gb must be from 1 to 624", self.memory_gb)


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
        _require(
            _ENDPOINT_NAME.fullmatch(self.display_name),
            "endpoint_name must be of a-z, 0-9 and -, begin with a letter and have at most 63 "
            "characters",
            self.display_name,
        )
        _require(self.min_replicas >= 1, "min_replicas must be at least 1", self.min_replicas)
        _require(
            self.max_replicas >= self.min_replicas,
            f"max_replicas must be at least min_replicas = {self.min_replicas}",
            self.max_replicas,
        )
        _require(
            0 <= self.traffic_percent <= 100,
            "traffic_percent must be from 0 to 100",
            self.traffic_percent,
        )


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

    def __post_init__(self) -> None:
        """Raises ValueError for a value whose form Google Cloud would refuse."""
        for name, form, expected in (
            ("project", _PROJECT, "a project id, such as my-project-123"),
            ("region", _REGION, "a region, such as us-central1"),
            (
                "image",
                _IMAGE,
                "an image, such as us-central1-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG",
            ),
        ):
            value = getattr(self, name)
            _require(form.fullmatch(value), f"{name} must be {expected}", value)
        for name, form, expected in (
            ("network_image", _IMAGE, "HOST/PROJECT/REPOSITORY/NAME:TAG, or empty for --image's"),
            ("service_account", _SERVICE_ACCOUNT, "NAME@PROJECT.iam.gserviceaccount.com"),
            ("encryption_key", _KEY, "projects/P/locations/R/keyRings/K/cryptoKeys/N"),
            ("network", _NETWORK, "projects/PROJECT-NUMBER/global/networks/NAME"),
            ("schedule", _CRON, "a cron expression of five fields, such as '0 3 * * 1'"),
        ):
            value = getattr(self, name)
            _require(not value or form.fullmatch(value), f"{name} must be {expected}", value)
        _require(
            self.beam_runner in BEAM_RUNNERS,
            f"beam_runner must be one of {BEAM_RUNNERS}",
            self.beam_runner,
        )
        _require(
            self.failure_policy in FAILURE_POLICIES,
            f"failure_policy must be one of {FAILURE_POLICIES}",
            self.failure_policy,
        )
        self._check_labels()
        self._check_regions()

    def _check_labels(self) -> None:
        for key, value in self.labels:
            _require(
                _LABEL_KEY.fullmatch(key),
                "the key of a label must be of a-z, 0-9, _ and -, begin with a letter and have at "
                "most 63 characters",
                key,
            )
            _require(
                _LABEL_VALUE.fullmatch(value),
                f"the value of label {key} must be of a-z, 0-9, _ and - and have at most 63 "
                "characters",
                value,
            )
        keys = [key for key, _ in self.labels]
        _require(len(set(keys)) == len(keys), "labels must not repeat a key", keys)

    def _check_regions(self) -> None:
        if found := _KEY.fullmatch(self.encryption_key):
            _require(
                found[1] == self.region,
                f"encryption_key must be of the region {self.region}",
                self.encryption_key,
            )
        if found := _SUBNETWORK.fullmatch(self.dataflow.subnetwork):
            _require(
                found[2] == self.region,
                f"dataflow_subnetwork must be of the region {self.region}",
                self.dataflow.subnetwork,
            )
