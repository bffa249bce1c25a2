"""Whether a project's quotas are enough, where an API tells them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Collection, Iterator
from typing import Any

from pipeline.registry import NETWORKS
from pipeline.vertex import accelerators as table
from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import ERROR, UNKNOWN, WARNING, Problem
from pipeline.vertex.settings import VertexConfig

# Machine families whose CPUs count as plain `CPUS`; those of the others have a quota of their own.
_PLAIN_CPUS = ("e2", "f1", "g1", "n1")


def accelerators(vertex: VertexConfig, models: Collection[str], cloud: Cloud) -> Iterator[Problem]:
    """Compares what the networks train on with Vertex AI's quota for custom training.

    Too few for one job is an error; for all networks at once, a warning.
    """
    networks = [model for model in models if model in NETWORKS]
    needs = table.quota_of(vertex.network_machine)
    if not networks or needs is None:
        return
    metric, one = needs
    limit = _limit_in(vertex.region, _quota(vertex, metric, cloud))
    if limit is None:
        yield Problem(f"quota {metric}, for Service Usage does not tell it", "", UNKNOWN)
    elif 0 <= limit < one * len(networks):
        what = (
            f"the quota {metric} in {vertex.region} is {limit}; a job needs {one}, the "
            f"{len(networks)} networks at once {one * len(networks)}"
        )
        kind = ERROR if limit < one else WARNING
        yield Problem(what, faults.quota_command(vertex, metric), kind)


def _quota(vertex: VertexConfig, metric: str, cloud: Cloud) -> dict[str, Any]:
    name = urllib.parse.quote(metric, safe="")
    service = metric.partition("/")[0]
    base = f"{cloud.endpoints.service_usage}/v1beta1/projects/{vertex.project}"
    url = f"{base}/services/{service}/consumerQuotaMetrics/{name}?view=FULL"
    answer: dict[str, Any] = cloud.rest("GET", url)
    return answer


def _limit_in(region: str, quota: dict[str, Any]) -> int | None:
    """Returns the limit of a region, else the one for all, -1 for none; None if it is not told."""
    by_region = {
        bucket.get("dimensions", {}).get("region", ""): int(bucket.get("effectiveLimit", 0))
        for limit in quota.get("consumerQuotaLimits", ())
        for bucket in limit.get("quotaBuckets", ())
    }
    return by_region.get(region, by_region.get(""))


def dataflow_cpus(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Compares Dataflow's ceiling with the CPUs that Compute Engine has left for the project."""
    if vertex.beam_runner != "DataflowRunner":
        return
    family, _, size = vertex.dataflow.machine_type.partition("-")
    cpus = size.rpartition("-")[2]
    if not cpus.isdecimal():
        return
    metric = "CPUS" if family in _PLAIN_CPUS else f"{family.upper()}_CPUS"
    url = f"{cloud.endpoints.compute}/compute/v1/projects/{vertex.project}/regions/{vertex.region}"
    for quota in cloud.rest("GET", url).get("quotas", ()):
        left = int(quota["limit"] - quota["usage"]) if quota["metric"] == metric else None
        if left is not None and left < int(cpus) * vertex.dataflow.max_workers:
            yield Problem(
                f"{left} of the quota {metric} in {vertex.region} are left, "
                f"{vertex.dataflow.max_workers} {vertex.dataflow.machine_type} of Dataflow need "
                f"{int(cpus) * vertex.dataflow.max_workers}: it will take longer, or not start",
                f"gcloud compute regions describe {vertex.region} --project={vertex.project}",
                WARNING if left >= int(cpus) else ERROR,
            )
