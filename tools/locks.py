"""The compiled requirements in requirements/: what is pinned, and with which hashes."""

import re
from pathlib import Path
from typing import Dict, List


def lock_blocks(text: str) -> Dict[str, str]:
    """Return a lock's requirements by name, each with its hash lines."""
    blocks: Dict[str, List[str]] = {}
    block: List[str] = []
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)==", line)
        if match:
            block = blocks.setdefault(match.group(1).lower(), [])
        if match or line.lstrip().startswith("--hash="):
            block.append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in blocks.items()}


def pinned_versions(root: Path, requirements: str) -> Dict[str, List[str]]:
    """Return the versions in a lock by name; several where they differ by version of Python."""
    blocks = lock_blocks((root / requirements).read_text())
    return {name: re.findall(r"^\S+?==(\S+)", block, re.M) for name, block in blocks.items()}
