"""SHA-1: FMA publishes its sums in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fma.meters import Reporter

_BLOCK_BYTES = 2**20


def sha1_of(path: Path, reporter: Reporter) -> str:
    """Returns the SHA-1 hex digest of a file."""
    digest = hashlib.sha1(usedforsecurity=False)
    step = reporter.step(f"checking {path.name.removesuffix('.part')}", path.stat().st_size)
    with open(path, "rb") as file, step as meter:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            meter.advance(len(block))
    return digest.hexdigest()


def parse(text: str) -> dict[str, str]:
    """Returns the hex digest by path of a list as `sha1sum` writes it; other lines are left out."""
    sums = {}
    for line in text.splitlines():
        digest, _, name = line.partition(" ")
        if len(digest) == 40 and name[:1] in (" ", "*"):
            sums[name[1:]] = digest.lower()
    return sums
