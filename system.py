"""Artifact types under the names that Vertex AI knows.

TFX compiles the name of an artifact type for Vertex only if it is `module.Type`, with a single dot,
and its container entry point imports the type by that name. Vertex shows `system.HTML` as a page,
so there has to be a module of this name.
"""

from __future__ import annotations

from tfx.types import artifact, value_artifact


class HTML(value_artifact.ValueArtifact):
    """A page: its URI is that of the file itself, which is what Vertex opens."""

    TYPE_NAME = "system.HTML"

    def encode(self, value: str) -> bytes:
        """Returns the page as it is stored."""
        return value.encode("utf-8")

    def decode(self, serialized_value: bytes) -> str:
        """Returns the page that `encode` stored."""
        return serialized_value.decode("utf-8")


class Artifact(artifact.Artifact):
    """A folder of files."""

    TYPE_NAME = "system.Artifact"
