"""Cloud Storage, as folders of this machine: the border between a spec's paths and local ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

_SCHEME = "gs://"


@dataclasses.dataclass(frozen=True)
class Buckets:
    """Every bucket is a folder below `folder`.

    Paths are exchanged wherever they are in a text, for they hide in JSON within JSON.
    """

    folder: Path

    def local(self, text: str) -> str:
        return text.replace(_SCHEME, f"{self.folder}/")

    def cloud(self, text: str) -> str:
        return text.replace(f"{self.folder}/", _SCHEME)

    def path(self, uri: str) -> Path:
        return Path(self.local(uri))
