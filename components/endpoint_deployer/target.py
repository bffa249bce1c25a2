"""Where a model is deployed to: values that travel in an execution property.

What would fail only at the end of a run, when the model is deployed, is validated here.
"""

from __future__ import annotations

import dataclasses
import json
import re

# The newest TensorFlow of Vertex AI's own serving images, by its page "Prebuilt containers for
# inference". There is none for TensorFlow 2.16, and none is needed: a SavedModel of 2.16 gives the
# same scores in 2.15. The page wants the tag `latest`.
_SERVING_TENSORFLOW = "2-15"
_SERVING_REGISTRIES = ("us", "europe", "asia")
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
class Target:
    """An endpoint and how a model is deployed there."""

    project: str
    region: str
    endpoint: EndpointConfig
    service_account: str = ""
    encryption_key: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Target:
        """Returns the target that `to_json` wrote."""
        values = json.loads(text)
        endpoint = values.pop("endpoint")
        endpoint["machine"] = Machine(**endpoint["machine"])
        labels = tuple((key, value) for key, value in values.pop("labels"))
        return cls(**values, endpoint=EndpointConfig(**endpoint), labels=labels)

    def to_json(self) -> str:
        """Returns the target as text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @property
    def parent(self) -> str:
        """What the endpoint and the model are in, as the API names it."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def serving_image(self) -> str:
        """The image that serves: of the registry nearest to the region, for a GPU or for none."""
        continent = self.region.split("-")[0]
        registry = continent if continent in _SERVING_REGISTRIES else "us"
        device = "gpu" if self.endpoint.machine.accelerator_type else "cpu"
        host = f"{registry}-docker.pkg.dev"
        return f"{host}/vertex-ai/prediction/tf2-{device}.{_SERVING_TENSORFLOW}:latest"
