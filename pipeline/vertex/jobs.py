"""The custom job that trains or tunes one model, as TFX wants it in `custom_config`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.cloud import aiplatform_v1
from tfx.extensions.google_cloud_ai_platform.constants import ENABLE_VERTEX_KEY, VERTEX_REGION_KEY
from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY

from common.errors import InputError
from components.endpoint_deployer.target import Machine
from models.registry import NETWORKS
from pipeline.vertex.settings import VertexConfig

# Networks of raw audio unpack 1.3 MB a clip: 140 GB for FMA's large subset. Vertex's own is 100.
_DISK_GB = 250


def custom_config(vertex: VertexConfig, node_id: str, models: Collection[str]) -> dict[str, Any]:
    """Returns what to add to a component's `custom_config`.

    Args:
        vertex: machines, image and identity.
        node_id: of the component; the job is shown under it.
        models: names of what it may train; networks have a machine of their own.
    """
    machine, image = vertex.classical, vertex.image
    if any(model in NETWORKS for model in models):
        machine, image = vertex.network_machine, vertex.network_image or vertex.image
    return {
        ENABLE_VERTEX_KEY: True,
        VERTEX_REGION_KEY: vertex.region,
        TRAINING_ARGS_KEY: {"project": vertex.project, **_job(vertex, node_id, machine, image)},
    }


def _job(vertex: VertexConfig, node_id: str, machine: Machine, image: str) -> dict[str, Any]:
    """Returns a `CustomJob` of Vertex AI; TFX fills in the command."""
    pool = {
        "machine_spec": _machine_spec(machine),
        "disk_spec": {"boot_disk_size_gb": _DISK_GB},
        "replica_count": 1,
        "container_spec": {"image_uri": image},
    }
    spec: dict[str, Any] = {"worker_pool_specs": [pool]}
    if vertex.service_account:
        spec["service_account"] = vertex.service_account
    if vertex.network:
        spec["network"] = vertex.network
    job = {"display_name": node_id, "job_spec": spec, "labels": dict(vertex.labels)}
    if vertex.encryption_key:
        job["encryption_spec"] = {"kms_key_name": vertex.encryption_key}
    return job


def _machine_spec(machine: Machine) -> dict[str, Any]:
    spec: dict[str, Any] = {"machine_type": machine.machine_type}
    if machine.accelerator_type:
        # The job would be refused only after everything before it has run.
        known = list(aiplatform_v1.AcceleratorType.__members__)
        if machine.accelerator_type not in known:
            raise InputError(
                f"--accelerator-type must be one of {', '.join(known[1:])}, "
                f"got {machine.accelerator_type!r}"
            )
        spec["accelerator_type"] = machine.accelerator_type
        spec["accelerator_count"] = machine.accelerator_count
    if machine.tpu_topology:
        spec["tpu_topology"] = machine.tpu_topology
    return spec
