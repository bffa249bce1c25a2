"""From a SavedModel in a bucket to a share of an endpoint's requests.

Every step first looks whether it has been done, so that a task that Vertex AI tries again, or a run
with another share for the same model, carries on where the last one came to.
"""

from __future__ import annotations

import contextlib
import datetime
from typing import Any, NamedTuple

from absl import logging
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import aiplatform_v1

from common.errors import InputError
from components.endpoint_deployer import traffic
from components.endpoint_deployer.target import Target

_MINUTES = 60.0
_UPLOAD_SECONDS = 30 * _MINUTES
# A machine is started, the image pulled and the model loaded.
_DEPLOY_SECONDS = 60 * _MINUTES
_UNDATED = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
# Only for what changes nothing.
_READ = Retry(timeout=2 * _MINUTES)


class Clients(NamedTuple):
    """The two services of the API that are talked to."""

    models: aiplatform_v1.ModelServiceClient
    endpoints: aiplatform_v1.EndpointServiceClient


def connect(region: str) -> Clients:
    """Returns clients with the credentials of the process."""
    options = {"api_endpoint": f"{region}-aiplatform.googleapis.com"}
    return Clients(
        aiplatform_v1.ModelServiceClient(client_options=options),
        aiplatform_v1.EndpointServiceClient(client_options=options),
    )


def deploy(clients: Clients, target: Target, source: str, version: str) -> dict[str, Any]:
    """Registers a SavedModel, deploys it, and gives it its share of the requests.

    Args:
        clients: of the API.
        target: where to.
        source: folder of the SavedModel, in a bucket.
        version: the name of the pushed version.

    Returns:
        The endpoint afterwards, in the API's own names.

    Raises:
        InputError: where several endpoints have the name.
        google.api_core.exceptions.GoogleAPICallError: where the API refuses.
    """
    model = _registered(clients.models, target, source, version)
    endpoint = _endpoint(clients.endpoints, target)
    deployed = _find(endpoint, model)
    if deployed is None:
        deployed = _deploy(clients.endpoints, target, endpoint, model)
    else:
        _share(clients.endpoints, target, endpoint, deployed)
    undeployed = _undeploy_idle(clients.endpoints, endpoint.name, deployed)
    after = clients.endpoints.get_endpoint(name=endpoint.name, retry=_READ)
    return {
        "endpoint": endpoint.name,
        "model": f"{model.name}@{model.version_id}",
        "deployed_model_id": deployed,
        "traffic_split": {name: share for name, share in after.traffic_split.items() if share},
        "undeployed": undeployed,
    }


def _registered(client: Any, target: Target, source: str, version: str) -> aiplatform_v1.Model:
    """Returns the version of the model that belongs to a push; uploads it if it is not there."""
    model_id = target.endpoint.display_name  # EndpointConfig takes only what can be an id
    name = f"{target.parent}/models/{model_id}"
    alias = f"push-{version}"
    with contextlib.suppress(exceptions.NotFound):
        return client.get_model(name=f"{name}@{alias}", retry=_READ)
    model = aiplatform_v1.Model(
        display_name=target.endpoint.display_name,
        artifact_uri=source,
        container_spec={"image_uri": target.serving_image},
        version_aliases=[alias],
        labels=dict(target.labels),
        encryption_spec=_encryption(target),
    )
    request: dict[str, Any] = {"parent": target.parent, "model": model}
    # A model that is there gets another version; the first one brings its id along.
    try:
        client.get_model(name=name, retry=_READ)
        request["parent_model"] = name
    except exceptions.NotFound:
        request["model_id"] = model_id
    logging.info("Uploading %s as a version of %s", source, name)
    uploaded = client.upload_model(request).result(timeout=_UPLOAD_SECONDS)
    return client.get_model(name=f"{uploaded.model}@{uploaded.model_version_id}", retry=_READ)


def _endpoint(client: Any, target: Target) -> aiplatform_v1.Endpoint:
    """Returns the endpoint of the display name; creates it if there is none."""
    display_name = target.endpoint.display_name
    query = {"parent": target.parent, "filter": f'display_name="{display_name}"'}
    found = list(client.list_endpoints(query, retry=_READ))
    if len(found) > 1:
        raise InputError(
            f"{len(found)} endpoints are called {display_name} in {target.parent}: delete all but "
            f"one, or choose another name: {', '.join(endpoint.name for endpoint in found)}"
        )
    if found:
        return found[0]
    endpoint = aiplatform_v1.Endpoint(
        display_name=display_name,
        labels=dict(target.labels),
        encryption_spec=_encryption(target),
        # Takes requests of 10 MB. A shared one takes 1.5 MB, which a clip of 30 s exceeds.
        dedicated_endpoint_enabled=True,
    )
    logging.info("Creating the endpoint %s", display_name)
    operation = client.create_endpoint({"parent": target.parent, "endpoint": endpoint})
    created = operation.result(timeout=_UPLOAD_SECONDS)
    return client.get_endpoint(name=created.name, retry=_READ)


def _find(endpoint: aiplatform_v1.Endpoint, model: aiplatform_v1.Model) -> str | None:
    """Returns the id under which a version of a model is deployed already."""
    for deployed in endpoint.deployed_models:
        name = deployed.model.split("@")[0]
        if (name, deployed.model_version_id) == (model.name.split("@")[0], model.version_id):
            return str(deployed.id)
    return None


def _deploy(
    client: Any, target: Target, endpoint: aiplatform_v1.Endpoint, model: aiplatform_v1.Model
) -> str:
    settings = target.endpoint
    machine = aiplatform_v1.MachineSpec(machine_type=settings.machine.machine_type)
    if settings.machine.accelerator_type:
        machine.accelerator_type = aiplatform_v1.AcceleratorType[settings.machine.accelerator_type]
        machine.accelerator_count = settings.machine.accelerator_count
    deployed_model = aiplatform_v1.DeployedModel(
        model=f"{model.name.split('@')[0]}@{model.version_id}",
        display_name=settings.display_name,
        service_account=target.service_account,
        dedicated_resources={
            "machine_spec": machine,
            "min_replica_count": settings.min_replicas,
            "max_replica_count": settings.max_replicas,
        },
    )
    split = traffic.split_with(_shares(endpoint), traffic.NEW, settings.traffic_percent)
    logging.info("Deploying %s to %s: %s", model.name, endpoint.name, split)
    operation = client.deploy_model(
        {"endpoint": endpoint.name, "deployed_model": deployed_model, "traffic_split": split}
    )
    return str(operation.result(timeout=_DEPLOY_SECONDS).deployed_model.id)


def _share(client: Any, target: Target, endpoint: aiplatform_v1.Endpoint, deployed: str) -> None:
    """Gives a model that is deployed already its share."""
    shares = _shares(endpoint)
    split = traffic.split_with(shares, deployed, target.endpoint.traffic_percent)
    if split == {name: share for name, share in shares.items() if share}:
        return
    logging.info("Splitting the requests of %s: %s", endpoint.name, split)
    changed = aiplatform_v1.Endpoint(name=endpoint.name, traffic_split=split)
    client.update_endpoint({"endpoint": changed, "update_mask": {"paths": ["traffic_split"]}})


def _shares(endpoint: aiplatform_v1.Endpoint) -> dict[str, int]:
    """Returns the percentages by deployed model, the oldest first."""
    by_age = sorted(endpoint.deployed_models, key=lambda model: model.create_time or _UNDATED)
    return {model.id: endpoint.traffic_split.get(model.id, 0) for model in by_age}


def _undeploy_idle(client: Any, endpoint: str, deployed: str) -> tuple[str, ...]:
    """Undeploys every model without requests, except the one that was just deployed."""
    shares = _shares(client.get_endpoint(name=endpoint, retry=_READ))
    idle = tuple(model for model, share in shares.items() if not share and model != deployed)
    for model in idle:
        logging.info("Undeploying %s from %s", model, endpoint)
        with contextlib.suppress(exceptions.NotFound):  # by hand, meanwhile
            client.undeploy_model({"endpoint": endpoint, "deployed_model_id": model}).result(
                timeout=_UPLOAD_SECONDS
            )
    return idle


def _encryption(target: Target) -> dict[str, str] | None:
    return {"kms_key_name": target.encryption_key} if target.encryption_key else None
