"""What a compiled requirements file pins."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement


def locked(path: Path) -> list[tuple[Requirement, list[str]]]:
    """Return every requirement of a file with its SHA-256 hashes."""
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    lines = [re.split(r" +--hash=sha256:", line) for line in text.splitlines()]
    return [(Requirement(line[0]), line[1:]) for line in lines]
