"""Where a model is deployed to: values that travel in an execution property."""

from __future__ import annotations

import dataclasses
import json

from pipeline.vertex.settings import EndpointConfig, Machine, VertexConfig

# The newest TensorFlow of Vertex AI's own serving images, by its page "Prebuilt containers for
# inference". There is none for TensorFlow 2.16, and none is needed: a SavedModel of 2.16 gives the
# same scores in 2.15. The page wants the tag `latest`.
_SERVING_TENSORFLOW = "2-15"
_SERVING_REGISTRIES = ("us", "europe", "asia")


@dataclasses.dataclass(frozen=True)
class Target:
    """An endpoint and how a model is deployed there; for the values see `VertexConfig`."""

    project: str
    region: str
    endpoint: EndpointConfig
    service_account: str = ""
    encryption_key: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, vertex: VertexConfig) -> Target:
        """Returns the target of a configuration that has an endpoint."""
        if vertex.endpoint is None:
            raise ValueError("the configuration has no endpoint")
        return cls(
            vertex.project,
            vertex.region,
            vertex.endpoint,
            vertex.service_account,
            vertex.encryption_key,
            vertex.labels,
        )

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
