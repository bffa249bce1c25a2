"""What a bug report needs to say: the checkout, the machine, Python, the installed packages."""

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Dict, Iterator

from tools.interpreters import machine_glibc, output_of
from tools.locks import pinned_versions

# Runs under the Python of .venv, so that it works where nothing could be installed.
INSTALLED = """
import json, platform
from importlib import metadata
names = {}
for package in metadata.distributions():
    name = (package.metadata["Name"] or "nameless").lower().replace("_", "-").replace(".", "-")
    names[name] = package.version
print(json.dumps([platform.python_version(), names]))
"""


def report(root: Path, requirements: str, env: Dict[str, str]) -> Iterator[str]:
    """Yield the report's lines; packages of other versions than pinned are marked.

    Args:
        root: the checkout.
        requirements: the lock that .venv was made from, or nothing where it is not complete.
        env: the environment.
    """
    git = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    yield f"checkout  {output_of(git, env) or 'no git checkout'}"
    glibc = ".".join(map(str, machine_glibc())) or "none"
    yield f"machine   {platform.platform()}, glibc {glibc}, {os.cpu_count()} CPUs"
    if shutil.which("nvidia-smi", path=env.get("PATH", "")):
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        yield f"GPU       {output_of(query, env) or 'nvidia-smi fails'}"
    said = output_of([str(root / ".venv" / "bin" / "python"), "-c", INSTALLED], env)
    if not said:
        yield "Python    .venv is not there or does not run: `make install` makes it"
        return
    version, installed = json.loads(said)
    yield f"Python    {version}"
    yield f"packages  {requirements or '.venv is not complete; `make install` makes it so'}"
    locked = requirements and (root / requirements).exists()
    pinned = pinned_versions(root, requirements) if locked else {}
    if requirements and not locked:
        yield f"          {requirements} is not in this checkout any more: run `make install`"
    for name in sorted(installed):
        differs = name in pinned and installed[name] not in pinned[name]
        note = "  (pinned: {})".format(" or ".join(pinned[name])) if differs else ""
        yield f"  {name} {installed[name]}{note}"
