"""What a compiled requirements file pins, and what setup.py says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from unittest import mock

import setuptools
from packaging.requirements import Requirement


def locked(path: Path) -> list[tuple[Requirement, list[str]]]:
    """Return every requirement of a file with its SHA-256 hashes."""
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    lines = [re.split(r" +--hash=sha256:", line) for line in text.splitlines()]
    return [(Requirement(line[0]), line[1:]) for line in lines]


def setup_arguments(checkout: Path) -> dict[str, Any]:
    """Return what setup.py hands to setuptools; to be called in the checkout."""
    with mock.patch.object(setuptools, "setup") as setup:
        runpy.run_path(str(checkout / "setup.py"))
    return dict(setup.call_args.kwargs)
