"""Artifacts by resource name, and the queries of resolver tasks over them.

Stands for Vertex ML Metadata, as seen by the runs of one pipeline.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

_PARENT = "projects/123456789/locations/us-central1/metadataStores/default/artifacts"
_TERM = re.compile(r"\s*(?P<field>[\w.]+)\s*=\s*(?P<value>\"[^\"]*\"|\S+)\s*")


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

    @property
    def schema_title(self) -> str:
        return str(yaml.safe_load(self.schema["instanceSchema"])["title"])

    def as_json(self) -> dict[str, Any]:
        """Return the `RuntimeArtifact` that a container is given."""
        return {
            "name": self.name,
            "type": self.schema,
            "uri": self.uri,
            "metadata": self.metadata,
        }


class MetadataStore:
    """What outlives a run."""

    def __init__(self) -> None:
        self._artifacts: list[Artifact] = []
        self._numbers = itertools.count(1)

    def add(self, schema: Mapping[str, Any], uri: str, metadata: Mapping[str, Any]) -> Artifact:
        artifact = Artifact(next(self._numbers), schema, uri, dict(metadata))
        self._artifacts.append(artifact)
        return artifact

    def latest(self, query: str) -> Artifact | None:
        """Return the newest artifact that a filter matches, if there is one."""
        matches = _compile(query)
        found = [artifact for artifact in self._artifacts if matches(artifact)]
        return found[-1] if found else None


def _compile(query: str) -> Callable[[Artifact], bool]:
    """Return the predicate of a filter: terms `field=value`, joined by AND.

    Raises:
        ValueError: for what else Vertex AI's filters may be.
    """
    terms = []
    for text in query.split(" AND "):
        if not (found := _TERM.fullmatch(text)):
            raise ValueError(f"not a term: {text!r}")
        terms.append((found["field"], found["value"].strip('"')))
    return lambda artifact: all(_matches(artifact, field, value) for field, value in terms)


def _matches(artifact: Artifact, field: str, value: str) -> bool:
    if field in ("name", "schema_title", "state"):
        return str(getattr(artifact, field)) == value
    if found := re.fullmatch(r"metadata\.(\w+)\.number_value", field):
        number = artifact.metadata.get(found[1])
        return isinstance(number, int | float) and float(number) == float(value)
    raise ValueError(f"not a field of a filter: {field!r}")
