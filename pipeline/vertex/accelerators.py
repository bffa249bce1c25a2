"""Which accelerator is where, and the quota it counts against; the table is `accelerators.yaml`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.vertex.problems import ERROR, WARNING, Problem
from pipeline.vertex.settings import Machine, VertexConfig

TABLE = Path(__file__).with_name("accelerators.yaml")
_V5E = "TPU_V5_LITEPOD"
_V5E_HOST = re.compile(r"ct5lp-hightpu-(\d+)t")


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return table


def needed(machine: Machine) -> tuple[str, int] | None:
    """Returns a machine's accelerator and how many, as quotas count them; None for a CPU's."""
    if host := _V5E_HOST.fullmatch(machine.machine_type):
        return _V5E, int(host[1])
    if not machine.accelerator_type:
        return None
    return machine.accelerator_type, machine.accelerator_count


def quota_of(machine: Machine) -> tuple[str, int] | None:
    """Returns the metric of the quota that a training job counts against, and by how much."""
    need = needed(machine)
    if need is None or need[0] not in _table():
        return None
    return f"aiplatform.googleapis.com/{_table()[need[0]]['quota']}", need[1]


def check(vertex: VertexConfig) -> Iterator[Problem]:
    """Compares the networks' and the classical models' machines with the table; needs no network.

    What the table does not know is a warning: it ages, and Vertex AI is the judge.
    """
    kinds = {need[0] for m in (vertex.network_machine, vertex.classical) if (need := needed(m))}
    for kind in sorted(kinds):
        entry = _table().get(kind)
        if entry is None:
            yield Problem(f"accelerator {kind} is not in {TABLE.name}", "", WARNING)
        elif vertex.region not in entry["regions"]:
            near = _same_continent(vertex.region, entry["regions"])
            yield Problem(
                f"{vertex.region} is no region of {kind}; there are {', '.join(near)}",
                f"gcloud compute accelerator-types list --filter=zone~{vertex.region}"
                if kind.startswith("NVIDIA")
                else f"gcloud compute tpus accelerator-types list --zone={vertex.region}-a",
                ERROR if entry["checked"] else WARNING,
            )


def _same_continent(region: str, regions: list[str]) -> list[str]:
    continent = region.partition("-")[0]
    return [other for other in regions if other.startswith(continent)] or regions
