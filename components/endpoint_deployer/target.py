"""Where a model is deployed to: values that travel in an execution property.

What would fail only at the end of a run, when the model is deployed, is validated here.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated

from common.config import Bounds, Config, Flag, Group, require

# The newest TensorFlow of Vertex AI's own serving images, by its page "Prebuilt containers for
# inference". There is none for TensorFlow 2.16, and none is needed: a SavedModel of 2.16 gives the
# same scores in 2.15. The page wants the tag `latest`.
_SERVING_TENSORFLOW = "2-15"
_SERVING_REGISTRIES = ("us", "europe", "asia")
# The name is also the id of the model, and part of a filter.
_ENDPOINT_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclasses.dataclass(frozen=True)
class Machine(Config):
    """The machine of one custom job or endpoint replica, by Google's own names."""

    machine_type: Annotated[str, Flag("machine type", "TYPE")] = "n1-standard-8"
    # Empty for a TPU that is part of the machine type, too.
    accelerator_type: Annotated[
        str, Flag("name of the API's AcceleratorType, such as NVIDIA_TESLA_T4 or TPU_V3", "TYPE")
    ] = ""
    accelerator_count: Annotated[
        int, Flag("number of GPUs, or of the cores of a TPU v2 or v3", "N")
    ] = 1
    tpu_topology: Annotated[
        str, Flag("such as 2x2, for a machine type that has its TPU built in", "RxC")
    ] = ""


@dataclasses.dataclass(frozen=True)
class EndpointConfig(Config):
    """The endpoint that a pushed model is deployed to."""

    display_name: Annotated[
        str, Flag("display name; a missing endpoint is created", "NAME", "endpoint-name")
    ] = "music-genre"
    machine: Annotated[
        Machine, Group("endpoint", {"machine_type": "endpoint-machine-type"}, ", of a replica")
    ] = Machine("n1-standard-2")
    min_replicas: Annotated[int, Bounds(ge=1), Flag("minimum number of replicas", "N")] = 1
    max_replicas: Annotated[int, Flag("maximum number of replicas", "N")] = 1
    # At 100 the models before it are undeployed.
    traffic_percent: Annotated[
        int, Bounds(ge=0, le=100),
        Flag(
            "share of the requests that the new model gets, in percent; below 100 the model before "
            "it keeps the rest", "N",
        ),
    ] = 100  # fmt: skip

    def __post_init__(self) -> None:
        """Raises ValueError for a name that is no id, or counts that do not fit together."""
        super().__post_init__()
        require(
            bool(_ENDPOINT_NAME.fullmatch(self.display_name)),
            "display_name must be of a-z, 0-9 and -, begin with a letter and have at most 63 "
            "characters",
            self.display_name,
        )
        require(
            self.max_replicas >= self.min_replicas,
            f"max_replicas must be at least min_replicas = {self.min_replicas}",
            self.max_replicas,
        )


@dataclasses.dataclass(frozen=True)
class Target(Config):
    """An endpoint and how a model is deployed there."""

    project: str
    region: str
    endpoint: EndpointConfig
    service_account: str = ""
    encryption_key: str = ""
    labels: tuple[tuple[str, str], ...] = ()

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
