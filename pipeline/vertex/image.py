"""Whether the image of a run is in its registry, asked as Docker would."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import UNKNOWN, Problem
from pipeline.vertex.settings import VertexConfig

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


def check(vertex: VertexConfig, cloud: Cloud) -> Iterator[Problem]:
    """Asks for the head of the image's manifest."""
    from google.api_core.exceptions import NotFound

    host, repository, reference = parts(vertex.image)
    if not _GOOGLES.fullmatch(host):
        yield Problem(
            f"image {vertex.image}, for {host} is not a registry of Google's", "", UNKNOWN
        )
        return
    registry = cloud.endpoints.registry.format(host=host)
    url = f"{registry}/v2/{repository}/manifests/{reference}"
    try:
        cloud.rest("HEAD", url, headers={"Accept": _MANIFESTS})
    except NotFound:
        yield Problem(
            f"there is no image {vertex.image}",
            f"docker build --tag {vertex.image} . && docker push {vertex.image}",
        )


def parts(image: str) -> tuple[str, str, str]:
    """Returns host, repository and tag or digest; `latest` where an image names neither."""
    host, _, rest = image.partition("/")
    if "@" in rest:
        name, _, digest = rest.partition("@")
        return host, name.partition(":")[0], digest
    repository, _, tag = rest.partition(":")
    return host, repository, tag or "latest"
