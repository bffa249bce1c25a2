"""Whether a project is set up: APIs that are on, a service account that may be used."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.vertex import faults
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import Problem
from pipeline.vertex.settings import VertexConfig

_APIS = ("aiplatform", "artifactregistry", "compute", "storage")
_ACT_AS = "iam.serviceAccounts.actAs"


def apis(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Asks Service Usage which of the APIs that a run needs are on."""
    needed = (*_APIS, "dataflow") if vertex.beam_runner == "DataflowRunner" else _APIS
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
