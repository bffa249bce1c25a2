"""Whether a project is set up: APIs, the service account, the network of Dataflow's workers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import WARNING, Problem, unless_out_of_reach
from pipeline.vertex.settings import VertexConfig

_APIS = ("aiplatform", "artifactregistry", "compute", "storage")
_ACT_AS = "iam.serviceAccounts.actAs"
# Predefined roles that have it; one of the project's own may have it.
_ACTORS = re.compile(r"roles/(iam\.serviceAccountUser|owner|editor)|(projects|organizations)/.+")
_NETWORK_FLAGS = ("--network=", "--subnetwork=")


def apis(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Asks Service Usage which of the APIs that a run needs are on."""
    needed = list(_APIS)
    if vertex.beam_runner == "DataflowRunner":
        needed.append("dataflow")
    if vertex.encryption_key:
        needed.append("cloudkms")
    services = [f"{api}.googleapis.com" for api in needed]
    parent = f"projects/{vertex.project}"
    names = "&".join(f"names={parent}/services/{service}" for service in services)
    url = f"{cloud.endpoints.service_usage}/v1/{parent}/services:batchGet?{names}"
    answer = cloud.rest("GET", url)
    on = {
        service["name"].rpartition("/")[2]
        for service in answer.get("services", ())
        if service.get("state") == "ENABLED"
    }
    if off := [service for service in services if service not in on]:
        yield Problem(
            f"APIs are off in project {vertex.project}: {', '.join(off)}",
            f"gcloud services enable {' '.join(off)} --project={vertex.project}",
        )


def service_account(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Asks IAM whether the caller may run jobs as the service account, if one is named."""
    from google.api_core.exceptions import NotFound

    account = vertex.service_account
    if not account:
        return
    url = f"{cloud.endpoints.iam}/v1/projects/-/serviceAccounts/{account}:testIamPermissions"
    try:
        answer = cloud.rest("POST", url, json={"permissions": [_ACT_AS]})
    except NotFound:
        yield Problem(
            f"there is no service account {account}",
            f"gcloud iam service-accounts create {account.partition('@')[0]} "
            f"--project={vertex.project}",
        )
        return
    if _ACT_AS not in (answer or {}).get("permissions", ()):
        yield Problem(f"you may not run jobs as {account}", faults.act_as_command(vertex, account))
    yield from unless_out_of_reach(
        f"whether {account} may run jobs as itself", lambda: _acts_as_itself(vertex, cloud)
    )


def _acts_as_itself(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Looks into the account's own policy: a task that starts a custom job names it in turn."""
    account = vertex.service_account
    member = f"serviceAccount:{account}"
    url = f"{cloud.endpoints.iam}/v1/projects/-/serviceAccounts/{account}:getIamPolicy"
    policy = cloud.rest("POST", f"{url}?options.requestedPolicyVersion=3") or {}
    if not any(
        _ACTORS.fullmatch(binding["role"]) and member in binding.get("members", ())
        for binding in policy.get("bindings", ())
    ):
        yield Problem(
            f"{account} may not run jobs as itself, which Trainer and Tuner have to, unless a role "
            "in its project lets it",
            faults.act_as_command(vertex, account, member),
            WARNING,
        )


def network(vertex: VertexConfig, beam_args: Sequence[str], cloud: Cloud) -> Iterator[Problem]:
    """Looks for the network that Dataflow's workers are in where no flag names one."""
    from google.api_core.exceptions import NotFound

    named = vertex.dataflow.subnetwork or any(a.startswith(_NETWORK_FLAGS) for a in beam_args)
    if vertex.beam_runner != "DataflowRunner" or named:
        return
    base = f"{cloud.endpoints.compute}/compute/v1/projects/{vertex.project}"
    try:
        cloud.rest("GET", f"{base}/global/networks/default")
    except NotFound:
        yield Problem(
            f"project {vertex.project} has no network named default, which Dataflow takes: give "
            f"--dataflow-subnetwork regions/{vertex.region}/subnetworks/NAME, or make it",
            f"gcloud compute networks create default --project={vertex.project}",
        )
