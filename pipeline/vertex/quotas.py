"""Whether a project's quotas are enough, where an API tells them."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Collection, Iterator
from typing import Any

from pipeline.registry import NETWORKS
from pipeline.vertex import accelerators as table
from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import ERROR, UNKNOWN, WARNING, Problem, unless_out_of_reach
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
    together = one * len(networks)
    who = f"a job needs {one}, the {len(networks)} networks at once {together}"
    yield from _compare(vertex, cloud, metric, one, together, who)


def cpus(vertex: VertexConfig, models: Collection[str], cloud: Cloud) -> list[Problem]:
    """Compares the CPUs of the models' machines, and of the endpoint's, with Vertex AI's quotas."""
    jobs: dict[str, list[int]] = {}
    for model in models:
        machine = vertex.network_machine if model in NETWORKS else vertex.classical
        if found := _cpus_of(machine.machine_type):
            jobs.setdefault(_cpu_metric("training", found[0]), []).append(found[1])
    needs = [
        (
            metric, max(each), sum(each),
            f"a job needs {max(each)}, the {len(each)} models at once {sum(each)}",
        )
        for metric, each in jobs.items()
    ]  # fmt: skip
    endpoint = vertex.endpoint
    if endpoint and (found := _cpus_of(endpoint.machine.machine_type)):
        least, most = found[1] * endpoint.min_replicas, found[1] * endpoint.max_replicas
        who = f"the endpoint's replicas need from {least} to {most}"
        needs.append((_cpu_metric("serving", found[0]), least, most, who))
    problems = []
    for need in needs:
        compare = functools.partial(_compare, vertex, cloud, *need)
        problems += unless_out_of_reach(f"quota {need[0]}", compare)
    return problems


def _cpus_of(machine_type: str) -> tuple[str, int] | None:
    """Returns the family and the CPUs of a machine whose name tells them."""
    family, _, size = machine_type.partition("-")
    number = size.rpartition("-")[2]
    return (family, int(number)) if number.isdecimal() else None


def _cpu_metric(use: str, family: str) -> str:
    own = "" if family in ("e2", "n1") else f"{family}_"
    return f"aiplatform.googleapis.com/custom_model_{use}_{own}cpus"


def _compare(
    vertex: VertexConfig, cloud: Cloud, metric: str, least: int, most: int, who: str
) -> Iterator[Problem]:
    """Holds a limit against what is needed: below `least` nothing runs, below `most` some waits."""
    limit = _limit_in(vertex.region, _quota(vertex, metric, cloud))
    if limit is None:
        yield Problem(f"quota {metric}, for Service Usage does not tell it", "", UNKNOWN)
    elif 0 <= limit < most:
        what = f"the quota {metric} in {vertex.region} is {limit}; {who}"
        kind = ERROR if limit < least else WARNING
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
    found = _cpus_of(vertex.dataflow.machine_type)
    if not found:
        return
    family, a_worker = found
    all_workers = a_worker * vertex.dataflow.max_workers
    metric = "CPUS" if family in _PLAIN_CPUS else f"{family.upper()}_CPUS"
    url = f"{cloud.endpoints.compute}/compute/v1/projects/{vertex.project}/regions/{vertex.region}"
    for quota in cloud.rest("GET", url).get("quotas", ()):
        left = int(quota["limit"] - quota["usage"]) if quota["metric"] == metric else None
        if left is not None and left < all_workers:
            yield Problem(
                f"{left} of the quota {metric} in {vertex.region} are left, "
                f"{vertex.dataflow.max_workers} {vertex.dataflow.machine_type} of Dataflow need "
                f"{all_workers}: it will take longer, or not start",
                f"gcloud compute regions describe {vertex.region} --project={vertex.project}",
                WARNING if left >= a_worker else ERROR,
            )
