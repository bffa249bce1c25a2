"""Whether the image of a run is in its registry, asked as Docker would."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from pipeline.vertex.cloud import Cloud
from pipeline.vertex.machines import is_tpu, tpu_topology
from pipeline.vertex.problems import UNKNOWN, WARNING, Problem, unless_out_of_reach
from pipeline.vertex.settings import Machine, VertexConfig

# Registries that take Google's access tokens.
_GOOGLES = re.compile(r"([a-z0-9-]+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io)")
# Both a single image and an index of images, in Docker's and in OCI's form.
_MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)


def check(vertex: VertexConfig, cloud: Cloud) -> list[Problem]:
    """Looks for the image, and for that of the networks' machine where it has one of its own."""
    machine = target(vertex.network_machine)
    stages = {vertex.image: "cpu"}
    if vertex.network_image:
        stages.setdefault(vertex.network_image, machine)
    problems = []
    for name, stage in stages.items():
        problems += unless_out_of_reach(
            f"image {name}", functools.partial(_check, name, stage, cloud)
        )
    if machine != "cpu" and not vertex.network_image:
        what = (
            f"networks train in {vertex.image}: unless it was built with --target {machine}, they "
            "do not see their accelerator; give --network-image"
        )
        problems.append(Problem(what, kind=WARNING))
    return problems


def target(machine: Machine) -> str:
    """Returns the target of the Dockerfile that a machine needs."""
    if is_tpu(machine.machine_type):
        return "tpu-v5e" if tpu_topology(machine.machine_type) else "tpu"
    return "gpu" if machine.accelerator_type else "cpu"


def _check(image: str, stage: str, cloud: Cloud) -> Iterator[Problem]:
    """Asks for the head of an image's manifest."""
    from google.api_core.exceptions import NotFound

    host, repository, reference = parts(image)
    if not _GOOGLES.fullmatch(host):
        yield Problem(f"image {image}, for {host} is not a registry of Google's", "", UNKNOWN)
        return
    registry = cloud.endpoints.registry.format(host=host)
    url = f"{registry}/v2/{repository}/manifests/{reference}"
    try:
        cloud.rest("HEAD", url, headers={"Accept": _MANIFESTS})
    except NotFound:
        flag = "" if stage == "cpu" else f"--target {stage} "  # cpu is what is built by default
        yield Problem(
            f"there is no image {image}",
            f"docker build {flag}--tag {image} . && docker push {image}",
        )


def parts(image: str) -> tuple[str, str, str]:
    """Returns host, repository and tag or digest; `latest` where an image names neither."""
    host, _, rest = image.partition("/")
    if "@" in rest:
        name, _, digest = rest.partition("@")
        return host, name.partition(":")[0], digest
    repository, _, tag = rest.partition(":")
    return host, repository, tag or "latest"
