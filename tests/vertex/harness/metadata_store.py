"""Vertex ML Metadata, as the runs of one pipeline see it: artifacts, and a resolver's queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

_PARENT = "projects/123456789/locations/us-central1/metadataStores/default/artifacts"


@dataclasses.dataclass
class Artifact:
    """An artifact; its number is the order of creation."""

    number: int
    schema: Mapping[str, Any]
    uri: str
    metadata: dict[str, Any]
    state: str = "PENDING"

    @property
    def name(self) -> str:
        return f"{_PARENT}/{self.number:019d}"

    def as_json(self) -> dict[str, Any]:
        """Return the `RuntimeArtifact` that a container is given."""
        return {
            "name": self.name,
            "type": self.schema,
            "uri": self.uri,
            "metadata": self.metadata,
        }

    def matches(self, field: str, value: str) -> bool:
        """Return whether a term of a filter holds.

        Raises:
            KeyError: for fields that TFX's filters do not have.
        """
        if field == "metadata.blessed.number_value":
            return bool(self.metadata.get("blessed") == float(value))
        title = yaml.safe_load(self.schema["instanceSchema"])["title"]
        return {"name": self.name, "schema_title": title, "state": self.state}[field] == value


class MetadataStore:
    """What outlives a run."""

    def __init__(self) -> None:
        self._artifacts: list[Artifact] = []

    def add(self, schema: Mapping[str, Any], uri: str, metadata: Mapping[str, Any]) -> Artifact:
        artifact = Artifact(len(self._artifacts) + 1, schema, uri, dict(metadata))
        self._artifacts.append(artifact)
        return artifact

    def latest(self, query: str) -> list[Artifact]:
        """Return the newest artifact that a filter, `field=value AND …`, matches, or nothing."""
        terms = [term.replace('"', "").split("=") for term in query.split(" AND ")]
        found = [
            artifact
            for artifact in self._artifacts
            if all(artifact.matches(field, value) for field, value in terms)
        ]
        return found[-1:]
